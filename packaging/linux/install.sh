#!/bin/sh
# Installs EXAI Desktop for the user who runs it, without root, or removes it again.
#
#   ./install.sh               install, or update what was installed
#   ./install.sh --uninstall   remove the program; your settings, queue and keys stay
#   ./install.sh --prefix DIR  instead of ~/.local (also with --uninstall)
set -eu

prefix=$HOME/.local
remove=
while [ $# -gt 0 ]; do
    case $1 in
    --uninstall) remove=yes ;;
    --prefix)
        [ $# -gt 1 ] || { echo "--prefix needs a folder" >&2; exit 2; }
        prefix=$2
        shift
        ;;
    *)
        sed -n 's/^# \{0,1\}//; 2,6p' "$0" >&2
        exit 2
        ;;
    esac
    shift
done
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac

# Such a name would have to be written in another way in the menu entry.
case $prefix in
*[\"\$\&\|\\\`%]*)
    echo "Choose a folder whose name has none of: \" \$ & | \\ \` %" >&2
    exit 2
    ;;
esac

app=$prefix/lib/exai-desktop
list=$app/installed-files
if [ -e "$app" ] && [ ! -f "$list" ]; then
    echo "$app is there and was not made by this script; nothing was changed." >&2
    exit 1
fi

remove_files() {
    [ -f "$1" ] || return 0
    while IFS= read -r file; do
        rm -f "$prefix/$file"
        # The folders that are empty now, up to the prefix.
        (cd "$prefix" && rmdir -p "$(dirname "$file")" 2>/dev/null) || true
    done <"$1"
}

# A list of icons that somebody has made there is older than the folder now, and not used any more.
refresh() {
    [ ! -d "$prefix/share/icons/hicolor" ] || touch "$prefix/share/icons/hicolor"
}

if [ -n "$remove" ]; then
    if [ ! -d "$app" ]; then
        echo "EXAI Desktop is not installed in $prefix." >&2
        exit 1
    fi
    remove_files "$list"
    rm -rf "$app"
    (cd "$prefix" && rmdir lib bin 2>/dev/null) || true
    refresh
    echo "Removed from $prefix. Your data is still there: exai-desktop in ~/.local/share, ~/.config and ~/.local/state."
    exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
if ! "$here/app/exai-desktop" --version >/dev/null; then
    echo "The program does not start on this system; nothing was installed." >&2
    exit 1
fi
mkdir -p "$app" "$prefix/bin"
[ -f "$list" ] || : >"$list"
# Beside the old one, which stays in place if this is broken off, and while somebody uses it.
"$here/switch-version" use "$app" "$here/app"
remove_files "$list"
mkdir -p "$prefix/bin"
{
    (cd "$here" && find share -type f | LC_ALL=C sort)
    echo bin/exai-desktop
} >"$list"
ln -sfn ../lib/exai-desktop/current/exai-desktop "$prefix/bin/exai-desktop"
(cd "$here" && find share -type f) | while IFS= read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    case $file in
    # A session that has not $prefix/bin in its PATH finds the program all the same.
    *.desktop) sed "s|^Exec=exai-desktop|Exec=\"$prefix/bin/exai-desktop\"|" "$here/$file" >"$prefix/$file" ;;
    *.service) sed "s|@PROGRAM@|\"$prefix/bin/exai-desktop\"|" "$here/$file" >"$prefix/$file" ;;
    *) cp "$here/$file" "$prefix/$file" ;;
    esac
done
refresh
echo "Installed in $prefix: $("$prefix/bin/exai-desktop" --version)"
case :$PATH: in
*":$prefix/bin:"*) echo "Start it from the menu, or with: exai-desktop" ;;
*) echo "Start it from the menu, or with: $prefix/bin/exai-desktop" ;;
esac
