"""The vocabulary of errors as data: one row a code, docs/errors.md is generated from it.

Numbers: 1xxx the file, 2xxx the account, 3xxx the provider, 4xxx concurrency, 5xxx the profile,
9xxx the program and the network. A code is never reused for another meaning.
"""

from __future__ import annotations

from typing import Final

from exai_desktop.core.errors.codes import CodeInfo, ErrorCode, Outcome, Retry

E = ErrorCode
_LOCAL, _REJECTED = Outcome.LOCAL, Outcome.REJECTED
_NEVER, _LATER, _ASK = Retry.NEVER, Retry.LATER, Retry.ASK

# One row a code reads better than seven lines each.
# fmt: off
CODES: Final[dict[ErrorCode, CodeInfo]] = {
    E.FILE_NOT_FOUND: CodeInfo(1004, "The file does not exist", "Check the path; it may have been moved, renamed or deleted.", _ASK, _LOCAL),
    E.NOT_A_FILE: CodeInfo(1008, "Not a regular file", "Pipes, sockets and devices cannot be uploaded. Save the content to a file first.", _NEVER, _LOCAL),
    E.DANGLING_LINK: CodeInfo(1009, "The link points nowhere", "The file this link pointed to is gone. Drop the real file.", _ASK, _LOCAL),
    E.FILE_UNREADABLE: CodeInfo(1010, "No permission to read the file", "Change the file's permissions, or copy it to a place you own.", _ASK, _LOCAL),
    E.FOLDER_UNREADABLE: CodeInfo(1011, "No permission to read the folder", "Change the folder's permissions; nothing in it was uploaded.", _ASK, _LOCAL),
    E.FOLDER_SKIPPED: CodeInfo(1012, "Folder skipped by rule", "Folders of version control, dependencies, caches, keys and passwords are skipped. Drop the folder itself to upload it anyway.", _NEVER, _LOCAL),
    E.EMPTY_FOLDER: CodeInfo(1013, "The folder is empty", "There was no file in it to upload.", _NEVER, _LOCAL),
    E.SYSTEM_FILE: CodeInfo(1014, "System or lock file skipped", "Files such as .DS_Store and Office lock files carry no content of yours.", _NEVER, _LOCAL),
    E.EMPTY_FILE: CodeInfo(1015, "The file is empty", "Providers refuse files of 0 bytes. Check that it was saved completely.", _ASK, _REJECTED),
    E.FILE_TOO_LARGE: CodeInfo(1003, "The file is too large", "Split or compress the document, or choose an account with a higher limit.", _NEVER, _REJECTED),
    E.INVALID_FILE_TYPE: CodeInfo(1002, "No account takes this kind of file", "Convert it to a supported kind such as PDF, or add an account that takes it.", _NEVER, _REJECTED),
    E.INVALID_EXTENSION: CodeInfo(1007, "The file name has no known ending", "Give the file its proper ending, for example .pdf or .txt.", _ASK, _REJECTED),
    E.MALICIOUS_FILE: CodeInfo(1006, "This is a program, not a document", "Programs, scripts and installers are never sent, whatever they are called.", _NEVER, _REJECTED),
    E.ARCHIVE_NOT_TAKEN: CodeInfo(1018, "Archives are not taken", "No provider reads them. Unpack it and drop the files in it.", _NEVER, _REJECTED),
    E.ARCHIVE_BOMB: CodeInfo(1019, "What is inside is out of all proportion", "It would unpack to far too much. Save the document again from the program that made it.", _NEVER, _REJECTED),
    E.CONTENT_MISMATCH: CodeInfo(1020, "The file is not what its name says", "Give it the ending that fits its content, or save it again in the format you need. To send it as it is, choose Send anyway or run `retry ID --accept mismatch`.", _ASK, _REJECTED),
    E.MACROS_FOUND: CodeInfo(1021, "The file contains macros or scripts", "Save it without them (for example as .docx, .xlsx or PDF). To send it as it is, choose Send anyway or run `retry ID --accept macros`.", _ASK, _REJECTED),
    E.ENCRYPTED_DOCUMENT: CodeInfo(1022, "The document is protected by a password", "Save a copy without a password; the provider could not read it. To send it as it is, choose Send anyway or run `retry ID --accept encrypted`.", _ASK, _REJECTED),
    E.DECEPTIVE_NAME: CodeInfo(1023, "The file name is made to deceive", "Rename the file: plain letters, one ending, no hidden characters. To send it as it is, choose Send anyway or run `retry ID --accept deceptive`.", _ASK, _REJECTED),
    E.FILE_DAMAGED: CodeInfo(1024, "The file is damaged or incomplete", "Open it in its own program to check it, and save or copy it again.", _ASK, _REJECTED),
    E.PATH_TRAVERSAL: CodeInfo(1025, "The file is not in an allowed folder", "Unattended uploads take files only from the folders of the setting allowed_folders, and none that hold secrets. Upload it yourself, or allow its folder.", _ASK, _LOCAL),
    E.MALWARE_DETECTED: CodeInfo(1026, "The malware scanner objects to the file", "It is never sent, whatever you allow. Remove it, or restore it from a clean copy; if the scanner is wrong, report that to its maker.", _NEVER, _REJECTED),
    E.NOT_SCANNED: CodeInfo(1027, "The file could not be scanned for malware", "Your settings require a scan before sending. Start the scanner or raise its size limit, then resume; or set malware_scan to if_available.", _ASK, _LOCAL),
    E.FILE_CHANGED: CodeInfo(1016, "The file changed while it was being read", "It was not sent. It will be read again when it is left alone.", _LATER, _LOCAL),
    E.READ_FAILED: CodeInfo(1017, "The file could not be read", "The disk or network share reported an error. Check it and retry.", _LATER, _LOCAL),
    E.NO_ACCOUNT: CodeInfo(2010, "No account is set up", "Add an account with an API key, or try the built-in sandbox.", _ASK, _LOCAL),
    E.UNKNOWN_ACCOUNT: CodeInfo(2011, "There is no account of this name", "Run `exai-desktop account list` to see the names.", _ASK, _LOCAL),
    E.ACCOUNT_EXISTS: CodeInfo(2012, "An account of this name exists already", "Choose another name, or remove the existing account first.", _NEVER, _LOCAL),
    E.ACCOUNT_IN_USE: CodeInfo(2013, "The account still has uploads under way", "Wait for them or cancel them, then remove the account.", _ASK, _LOCAL),
    E.INVALID_ACCOUNT: CodeInfo(2014, "The account's details are not valid", "Check provider, region and address.", _NEVER, _LOCAL),
    E.INVALID_KEY_FORMAT: CodeInfo(2015, "This does not look like an API key", "Copy the key again: one line, no spaces, plain letters and digits.", _NEVER, Outcome.AUTH),
    E.KEY_MISSING: CodeInfo(2016, "The account's key is not in the keyring", "Enter the key again in Accounts.", _ASK, Outcome.AUTH),
    E.CREDENTIAL_STORE_UNAVAILABLE: CodeInfo(2017, "No secure keyring on this system", "Start a keyring service (for example gnome-keyring); without one, keys are kept for this session only.", _ASK, _LOCAL),
    E.CREDENTIAL_STORE_LOCKED: CodeInfo(2018, "The keyring is locked", "Unlock the keyring, then retry.", _ASK, _LOCAL),
    E.AUTH_FAILED: CodeInfo(2001, "The provider does not accept the key", "Check the key and the region: a key works only in the region it was made for.", _ASK, Outcome.AUTH),
    E.PERMISSION_DENIED: CodeInfo(2005, "The account may not use the file service", "Check the account's permissions in the provider's console.", _ASK, Outcome.AUTH),
    E.ACCOUNT_LOCKED: CodeInfo(2006, "The provider has locked or not activated the account", "Sign in to the provider's console and settle the matter there.", _ASK, Outcome.AUTH),
    E.BALANCE_EXHAUSTED: CodeInfo(2007, "The account has no credit left", "Top up the account in the provider's console, then resume. Nothing is retried until then.", _ASK, Outcome.QUOTA),
    E.PROVIDER_FILE_LIMIT: CodeInfo(2008, "The account is full at the provider", "Delete files you no longer need there, or use another account.", _ASK, Outcome.QUOTA),
    E.QUOTA_EXCEEDED: CodeInfo(2004, "The account holds as much as you allowed", "Delete files you no longer need there, or raise the limit in the settings.", _ASK, Outcome.QUOTA),
    E.ALMOST_FULL: CodeInfo(2019, "The account is almost full", "Delete files you no longer need there, or add an account, before uploads are held.", _ASK, Outcome.QUOTA),
    E.INVALID_PURPOSE: CodeInfo(3005, "The provider does not know this purpose", "Leave the purpose out, or choose one from the account's list.", _NEVER, _REJECTED),
    E.CONSENT_NEEDED: CodeInfo(3010, "Another company would have to receive this file", "Your chosen account cannot take it. Allow fallback to send it to another provider.", _ASK, _LOCAL),
    E.PLACE_NOT_ALLOWED: CodeInfo(3024, "A rule for its folder forbids this", "Choose or add an account at a provider and in a region that the rule allows, or change the rule.", _ASK, _LOCAL),
    E.PROVIDER_REJECTED: CodeInfo(3006, "The provider refused the file", "Its message is shown in the details.", _NEVER, _REJECTED),
    E.CONTENT_REFUSED: CodeInfo(3011, "The provider refused the content", "Its content rules do not allow this file.", _NEVER, _REJECTED),
    E.NO_TEXT: CodeInfo(3012, "The provider found no text in the file", "A scanned document needs text recognition first; images go in with purpose `image`.", _NEVER, _REJECTED),
    E.PARSE_FAILED: CodeInfo(3013, "The provider stored the file but could not read it", "Open it locally to check that it is not damaged or protected, then upload it again.", _ASK, _REJECTED),
    E.RATE_LIMITED: CodeInfo(3014, "The provider asks to slow down", "It goes on by itself after the pause.", _LATER, Outcome.THROTTLED),
    E.PROVIDER_UNAVAILABLE: CodeInfo(3002, "The provider is not available now", "It goes on by itself when the provider answers again.", _LATER, Outcome.UNAVAILABLE),
    E.CIRCUIT_BREAKER_OPEN: CodeInfo(3003, "The provider is left alone after several faults", "It is tried again by itself at the time shown; a test of the account tries at once.", _LATER, Outcome.UNAVAILABLE),
    E.ERROR_RATE_HIGH: CodeInfo(3023, "Many answers of the provider are faults", "Uploads go on, with repeats. Look at the provider's own status page if it lasts.", _LATER, Outcome.UNAVAILABLE),
    E.ALL_PROVIDERS_UNAVAILABLE: CodeInfo(3004, "All providers are left alone after several faults", "They are tried again by themselves; a test of an account tries at once.", _LATER, Outcome.UNAVAILABLE),
    E.INVALID_ANSWER: CodeInfo(3015, "The provider's answer makes no sense", "The file list is asked before anything is sent again.", _LATER, Outcome.UNCERTAIN),
    E.SIZE_MISMATCH: CodeInfo(3016, "The provider reports another size than ours", "The file there may be damaged: delete it there and retry.", _ASK, Outcome.UNCERTAIN),
    E.ANSWER_LOST: CodeInfo(3017, "The answer was lost", "The provider's list is asked before anything is sent again.", _LATER, Outcome.UNCERTAIN),
    E.REVIEW_NEEDED: CodeInfo(3018, "It is not certain whether the provider has the file", "Look at the account's file list and choose: use the file there, or send again.", _ASK, Outcome.UNCERTAIN),
    E.REMOTE_NOT_FOUND: CodeInfo(3019, "The provider has no such file", "It was deleted or has expired there. Upload it again.", _ASK, _REJECTED),
    E.STILL_PROCESSING: CodeInfo(3022, "The provider is still reading the file", "Ask again in a moment.", _LATER, Outcome.THROTTLED),
    E.NOT_SUPPORTED: CodeInfo(3020, "The provider does not offer this", "This provider gives no extracted text for this file.", _NEVER, _REJECTED),
    E.ATTEMPTS_EXHAUSTED: CodeInfo(3021, "Given up after many attempts", "The last error is shown in the history. Retry when the cause is gone.", _ASK, Outcome.UNAVAILABLE),
    E.CONCURRENT_UPLOAD: CodeInfo(4003, "Another program is sending the same content to this account", "It waits for the other one and goes on by itself.", _LATER, _LOCAL),
    E.WRONG_STATE: CodeInfo(4004, "Not possible in this state", "Look at the job's state with `exai-desktop show`.", _NEVER, _LOCAL),
    E.UNKNOWN_JOB: CodeInfo(4005, "There is no job of this number", "Run `exai-desktop list` to see the numbers.", _NEVER, _LOCAL),
    E.ANOTHER_INSTANCE: CodeInfo(4006, "Another instance holds this profile and does not answer", "Close the other program, or wait until it has started.", _ASK, _LOCAL),
    E.ALREADY_OPEN: CodeInfo(4007, "The window is open already", "It has been brought to the front.", _NEVER, _LOCAL),
    E.OWNER_GONE: CodeInfo(4008, "The program that carried this out was closed", "Run the command again: what was handed over is in the queue.", _ASK, _LOCAL),
    E.DATABASE_ERROR: CodeInfo(5003, "The local database reported an error", "Nothing new is sent until it works again. See the log.", _ASK, _LOCAL),
    E.DISK_FULL: CodeInfo(5004, "The disk with the profile is full", "Free some space; it goes on by itself within seconds. Nothing is lost meanwhile.", _LATER, _LOCAL),
    E.DISK_LOW: CodeInfo(5005, "Little space is left on the disk with the profile", "New files wait until 256 MiB are free; it goes on by itself within seconds.", _LATER, _LOCAL),
    E.DATABASE_RECOVERED: CodeInfo(5006, "The local record was damaged and has been restored", "What was sent since is looked up in the providers' lists before anything is sent. Files dropped since then may have to be dropped again.", _ASK, _LOCAL),
    E.DATABASE_REBUILT: CodeInfo(5007, "The local record was lost and begins anew", "Files at the providers are found by their lists before anything is sent. Drop again what was still waiting.", _ASK, _LOCAL),
    E.FLEET_UNREACHABLE: CodeInfo(5008, "The shared state of the fleet cannot be reached", "Check redis_url and the Redis server. Until it answers, this machine goes by its own state.", _LATER, _LOCAL),
    E.INVALID_SETTING: CodeInfo(9002, "A setting has a value that cannot be used", "The last good value stays in force.", _NEVER, _LOCAL),
    E.OFFLINE: CodeInfo(9004, "The provider cannot be reached", "Check the network, the proxy and the account's address. It goes on by itself.", _LATER, Outcome.UNAVAILABLE),
    E.NETWORK_ERROR: CodeInfo(9003, "The connection broke", "It goes on by itself; the provider's list is asked first if bytes had left.", _LATER, Outcome.UNAVAILABLE),
    E.TLS_FAILED: CodeInfo(9005, "No secure connection to the provider", "A proxy or a wrong clock may be in the way. Nothing was sent.", _LATER, Outcome.UNAVAILABLE),
    E.TIMEOUT: CodeInfo(9006, "The provider did not answer in time", "The provider's list is asked before anything is sent again.", _LATER, Outcome.UNAVAILABLE),
    E.CANCELLED: CodeInfo(9007, "Cancelled", "Use retry to send it after all.", _ASK, Outcome.CANCELLED),
    E.UNEXPECTED_ERROR: CodeInfo(9001, "Something unexpected happened", "Please report it with the log; the file itself is safe.", _ASK, _LOCAL),
}
# fmt: on
