"""Names that only a framework calls; the dead-code check counts them as used."""

from typing import Any

_any: Any = None

_PYDANTIC = (lambda: (_any.model_config, _any.settings_customise_sources),)
_TYPER = (lambda: (_any.rich_markup_mode,),)

# Found by their names in a table: exai_desktop/self_test/run.py.
_SELF_TEST = (lambda: (_any.certificates, _any.display),)

# Laws and tools that only tests use.
_TESTED = (lambda: (_any.BIRTH, _any.SandboxThread),)

# Rows of a table or a record that people read, not the program.
_ROWS = (
    lambda: (
        _any.authorized,
        _any.checked,
        _any.error_detail,
        _any.error_retry_after,
        _any.finished_at,
        _any.newest_mac,
        _any.path_text,
        _any.recorded_at,
        _any.row_factory,
        _any.scan_database,
        _any.scan_detail,
        _any.scan_engine,
        _any.scan_verdict,
        _any.schema_version,
    ),
)

# Python itself, atexit and rich call these.
_CALLED = (lambda: (_any.__getattr__, _any._let_calls_end, _any.on_broken_pipe),)

# typer calls what its decorators have seen, and what the table of verbs names.
_VERBS = (
    lambda: (
        _any._sandbox,
        _any._supabase,
        _any.content,
        _any.delete_secret,
        _any.doctor,
        _any.explain_error,
        _any.stats,
        _any.export,
        _any.format_commands,
        _any.get_command,
        _any.import_files,
        _any.list_accounts,
        _any.list_jobs,
        _any.logout,
        _any.migrations,
        _any.expose_value,
        _any.passphrase_file,
        _any.profile_app,
        _any.put_secret,
        _any.verb_with_it,
    ),
)

# Words of the command line that become values of an enumeration.
_CHOICES = (lambda: (_any.NEW,),)

# asyncio, httpcore, httpx, the SDKs and uvicorn call these.
_PROTOCOLS = (
    lambda: (
        _any.capture_signals,
        _any.default_headers,
        _any.main_loop,
        _any.log_message,
        _any.connect_tcp,
        _any.connection_lost,
        _any.get_credentials_async,
        _any.handle_request,
        _any.readable,
        _any.seek,
        _any.seekable,
        _any.connection_made,
        _any.data_received,
        _any.eof_received,
        _any.pause_writing,
        _any.resume_writing,
        _any.should_exit,
    ),
)

# Qt calls overrides by these names.
_QT = (
    lambda: (
        _any.changeEvent,
        _any.closeEvent,
        _any.dragEnterEvent,
        _any.dragLeaveEvent,
        _any.dragMoveEvent,
        _any.dropEvent,
        _any.eventFilter,
        _any.keyPressEvent,
        _any.paintEvent,
        _any.resizeEvent,
        _any.showEvent,
        _any.sizeHint,
        # models
        _any.canFetchMore,
        _any.columnCount,
        _any.fetchMore,
        _any.flags,
        _any.headerData,
        _any.mimeTypes,
        _any.roleNames,
        _any.rowCount,
        _any.running,  # what the window's tests wait for
    ),
)

# Called by Python for a module, and by typer for a group of verbs.
_LATE = (lambda: (_any.__getattr__, _any.format_commands, _any.rich_markup_mode),)
