"""All errors as data: one row for each code. docs/errors.md is generated from it.

A title says what happened in at most eight words. A hint says the next step and begins with a
verb; it holds no command, because the window shows it too: commands stand behind it.

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
    E.FILE_NOT_FOUND: CodeInfo(1004, "The file does not exist", "Check the path: the file may have been moved, renamed or deleted.", _ASK, _LOCAL),
    E.NOT_A_FILE: CodeInfo(1008, "This is not a regular file", "Save the content to a regular file first. Pipes, sockets and devices cannot be uploaded.", _NEVER, _LOCAL),
    E.DANGLING_LINK: CodeInfo(1009, "The target of the link does not exist", "Add the real file instead of the link.", _ASK, _LOCAL),
    E.FILE_UNREADABLE: CodeInfo(1010, "No permission to read the file", "Change the permissions of the file, or copy it to a folder of your own.", _ASK, _LOCAL),
    E.FOLDER_UNREADABLE: CodeInfo(1011, "No permission to read the folder", "Change the permissions of the folder, then add it again. Nothing in it was uploaded.", _ASK, _LOCAL),
    E.FOLDER_SKIPPED: CodeInfo(1012, "The folder was skipped", "Add the folder itself to upload it anyway. Folders for version control, dependencies, caches, keys and passwords are skipped.", _NEVER, _LOCAL),
    E.EMPTY_FOLDER: CodeInfo(1013, "The folder is empty", "Check the folder: it contains no file to upload.", _NEVER, _LOCAL),
    E.SYSTEM_FILE: CodeInfo(1014, "System or lock file skipped", "Do nothing: files such as .DS_Store and Office lock files contain none of your work.", _NEVER, _LOCAL),
    E.EMPTY_FILE: CodeInfo(1015, "The file is empty", "Check that the file was saved completely. Providers refuse files of 0 bytes.", _ASK, _REJECTED),
    E.FILE_TOO_LARGE: CodeInfo(1003, "The file is too large", "Split the document or make it smaller, or choose an account with a higher limit.", _NEVER, _REJECTED),
    E.INVALID_FILE_TYPE: CodeInfo(1002, "No account accepts this file type", "Convert the file to a supported type such as PDF, or add an account that accepts it.", _NEVER, _REJECTED),
    E.INVALID_EXTENSION: CodeInfo(1007, "The file name has no known extension", "Give the file the right extension, for example .pdf or .txt.", _ASK, _REJECTED),
    E.MALICIOUS_FILE: CodeInfo(1006, "This is a program, not a document", "Choose a document instead. Programs, scripts and installers are never sent, whatever their name.", _NEVER, _REJECTED),
    E.ARCHIVE_NOT_TAKEN: CodeInfo(1018, "Archives are not accepted", "Unpack the archive and add the files in it. No provider reads archives.", _NEVER, _REJECTED),
    E.ARCHIVE_BOMB: CodeInfo(1019, "The file would unpack to too much data", "Save the document again with the program that made it.", _NEVER, _REJECTED),
    E.CONTENT_MISMATCH: CodeInfo(1020, "The file extension is wrong", "Give the file the extension that fits its content, or save it again in the right format. To send it as it is, choose Send anyway.", _ASK, _REJECTED, ("retry ID --accept mismatch",)),
    E.MACROS_FOUND: CodeInfo(1021, "The file contains macros or scripts", "Save the file without them, for example as .docx, .xlsx or PDF. To send it as it is, choose Send anyway.", _ASK, _REJECTED, ("retry ID --accept macros",)),
    E.ENCRYPTED_DOCUMENT: CodeInfo(1022, "The document is protected by a password", "Save a copy without a password: the provider cannot read a protected document. To send it as it is, choose Send anyway.", _ASK, _REJECTED, ("retry ID --accept encrypted",)),
    E.DECEPTIVE_NAME: CodeInfo(1023, "The file name is misleading", "Rename the file: plain letters, one extension, no hidden characters. To send it as it is, choose Send anyway.", _ASK, _REJECTED, ("retry ID --accept deceptive",)),
    E.FILE_DAMAGED: CodeInfo(1024, "The file is damaged or incomplete", "Open the file in its own program to check it, then save or copy it again.", _ASK, _REJECTED),
    E.PATH_TRAVERSAL: CodeInfo(1025, "The file is not in an allowed folder", "Add its folder to the allowed folders in the settings, or upload the file yourself. Unattended uploads never take files from folders with keys or passwords.", _ASK, _LOCAL, ("setting set allowed_folders FOLDER",)),
    E.MALWARE_DETECTED: CodeInfo(1026, "The malware scanner found a threat", "Delete the file, or restore it from a clean copy. It is never sent. If the scanner is wrong, report that to the maker of the scanner.", _NEVER, _REJECTED),
    E.NOT_SCANNED: CodeInfo(1027, "The file could not be scanned for malware", "Start the malware scanner or raise its size limit, then resume. Your settings require a scan before a file is sent.", _ASK, _LOCAL, ("setting set malware_scan if_available",)),
    E.FILE_CHANGED: CodeInfo(1016, "The file changed while it was being read", "Wait: the file was not sent. It is read again when it no longer changes.", _LATER, _LOCAL),
    E.READ_FAILED: CodeInfo(1017, "The file could not be read", "Check the disk or network share: it reported an error. The file is read again automatically.", _LATER, _LOCAL),
    E.NO_ACCOUNT: CodeInfo(2010, "No account is set up", "Add an account with an API key, or try the built-in sandbox.", _ASK, _LOCAL),
    E.UNKNOWN_ACCOUNT: CodeInfo(2011, "There is no account with this name", "Check the name in the list of accounts.", _ASK, _LOCAL, ("account list",)),
    E.ACCOUNT_EXISTS: CodeInfo(2012, "An account with this name already exists", "Choose another name, or remove the existing account first.", _NEVER, _LOCAL),
    E.ACCOUNT_IN_USE: CodeInfo(2013, "The account still has uploads in progress", "Wait for the uploads or cancel them, then remove the account.", _ASK, _LOCAL),
    E.INVALID_ACCOUNT: CodeInfo(2014, "The details of the account are not valid", "Check the provider, the region and the address.", _NEVER, _LOCAL),
    E.INVALID_KEY_FORMAT: CodeInfo(2015, "This does not look like an API key", "Copy the key again: one line, no spaces, plain letters and digits.", _NEVER, Outcome.AUTH),
    E.KEY_MISSING: CodeInfo(2016, "The account's key is not in the keyring", "Cancel its files, remove the account and add it again with its key. Then retry the files.", _ASK, Outcome.AUTH),
    E.CREDENTIAL_STORE_UNAVAILABLE: CodeInfo(2017, "No secure keyring on this computer", "Start a keyring service, for example gnome-keyring. Without one, keys are kept for this session only.", _ASK, _LOCAL),
    E.CREDENTIAL_STORE_LOCKED: CodeInfo(2018, "The keyring is locked", "Unlock the keyring, then retry.", _ASK, _LOCAL),
    E.AUTH_FAILED: CodeInfo(2001, "The provider does not accept the key", "Check the key and the region: a key works only in the region it was made for.", _ASK, Outcome.AUTH),
    E.PERMISSION_DENIED: CodeInfo(2005, "The account may not use the file service", "Check the permissions of the account on the provider's website.", _ASK, Outcome.AUTH),
    E.ACCOUNT_LOCKED: CodeInfo(2006, "The account is locked or not activated", "Sign in on the provider's website and follow its instructions.", _ASK, Outcome.AUTH),
    E.BALANCE_EXHAUSTED: CodeInfo(2007, "The account has no credit left", "Add credit on the provider's website, then resume. Nothing is retried until then.", _ASK, Outcome.QUOTA),
    E.PROVIDER_FILE_LIMIT: CodeInfo(2008, "The account is full at the provider", "Delete files there that you no longer need, or use another account.", _ASK, Outcome.QUOTA),
    E.QUOTA_EXCEEDED: CodeInfo(2004, "The account has reached your own limit", "Delete files there that you no longer need, or raise the limit in the settings.", _ASK, Outcome.QUOTA),
    E.ALMOST_FULL: CodeInfo(2019, "The account is almost full", "Delete files there that you no longer need, or add an account. When it is full, files are put on hold.", _ASK, Outcome.QUOTA),
    E.INVALID_PURPOSE: CodeInfo(3005, "The provider does not know this purpose", "Leave the purpose empty, or choose one that the account offers.", _NEVER, _REJECTED),
    E.CONSENT_NEEDED: CodeInfo(3010, "Another company would receive this file", "Allow another provider for this file, or choose another account. The chosen account does not accept it.", _ASK, _LOCAL, ("retry ID --allow-fallback",)),
    E.PLACE_NOT_ALLOWED: CodeInfo(3024, "A folder rule does not allow this", "Choose or add an account at a provider and in a region that the rule allows, or change the rule.", _ASK, _LOCAL),
    E.PROVIDER_REJECTED: CodeInfo(3006, "The provider refused the file", "Read the provider's message in the details.", _NEVER, _REJECTED),
    E.CONTENT_REFUSED: CodeInfo(3011, "The provider refused the content", "Choose another file: the content rules of the provider do not allow this one.", _NEVER, _REJECTED),
    E.NO_TEXT: CodeInfo(3012, "The provider found no text in the file", "Run text recognition on a scanned document first. Upload pictures with the purpose image.", _NEVER, _REJECTED),
    E.PARSE_FAILED: CodeInfo(3013, "The provider could not read the stored file", "Open the file on this computer to check that it is not damaged or protected, then upload it again.", _ASK, _REJECTED),
    E.RATE_LIMITED: CodeInfo(3014, "The provider received too many requests", "Wait: uploads resume automatically after a short pause.", _LATER, Outcome.THROTTLED),
    E.PROVIDER_UNAVAILABLE: CodeInfo(3002, "The provider is not available now", "Wait: uploads resume automatically when the provider answers again.", _LATER, Outcome.UNAVAILABLE),
    E.CIRCUIT_BREAKER_OPEN: CodeInfo(3003, "The account is paused after several failures", "Wait: the account is retried automatically at the time shown. To retry now, test the account.", _LATER, Outcome.UNAVAILABLE, ("account test NAME",)),
    E.ERROR_RATE_HIGH: CodeInfo(3023, "Many requests to the provider fail", "Check the provider's status page if this continues. Uploads go on, and failed ones are retried.", _LATER, Outcome.UNAVAILABLE),
    E.ALL_PROVIDERS_UNAVAILABLE: CodeInfo(3004, "All accounts are paused after several failures", "Wait: the accounts are retried automatically. To retry now, test an account.", _LATER, Outcome.UNAVAILABLE, ("account test NAME",)),
    E.INVALID_ANSWER: CodeInfo(3015, "The answer of the provider is not valid", "Wait: the provider's file list is checked before anything is sent again.", _LATER, Outcome.UNCERTAIN),
    E.SIZE_MISMATCH: CodeInfo(3016, "The provider reports a different file size", "Delete the file at the provider, then retry. The file there may be damaged.", _ASK, Outcome.UNCERTAIN),
    E.ANSWER_LOST: CodeInfo(3017, "The answer of the provider was lost", "Wait: the provider's file list is checked before anything is sent again.", _LATER, Outcome.UNCERTAIN),
    E.REVIEW_NEEDED: CodeInfo(3018, "The provider may already have this file", "Check the file list at the provider, then choose: use the file there, or send it again.", _ASK, Outcome.UNCERTAIN, ("settle ID --use FILE_ID", "settle ID --send-again")),
    E.REMOTE_NOT_FOUND: CodeInfo(3019, "The provider does not have this file", "Upload the file again: it was deleted there or has expired.", _ASK, _REJECTED),
    E.STILL_PROCESSING: CodeInfo(3022, "The provider is still reading the file", "Try again in a moment.", _LATER, Outcome.THROTTLED),
    E.NOT_SUPPORTED: CodeInfo(3020, "The provider does not offer this", "Use another account: this provider gives no text of this file.", _NEVER, _REJECTED),
    E.ATTEMPTS_EXHAUSTED: CodeInfo(3021, "The upload failed after several attempts", "Read the last error in the history, solve its cause, then retry.", _ASK, Outcome.UNAVAILABLE),
    E.CONCURRENT_UPLOAD: CodeInfo(4003, "Another program is sending the same content", "Wait: this file continues automatically after the other upload.", _LATER, _LOCAL),
    E.WRONG_STATE: CodeInfo(4004, "Not possible in the current state", "Check the state of the file first.", _NEVER, _LOCAL, ("show ID",)),
    E.UNKNOWN_JOB: CodeInfo(4005, "There is no job with this number", "Check the number in the queue.", _NEVER, _LOCAL, ("list",)),
    E.ANOTHER_INSTANCE: CodeInfo(4006, "Another running EXAI Desktop does not answer", "Wait until the other program has started, or close it.", _ASK, _LOCAL),
    E.ALREADY_OPEN: CodeInfo(4007, "The window is already open", "Use the open window: it is in front now.", _NEVER, _LOCAL),
    E.OWNER_GONE: CodeInfo(4008, "The program that ran the command was closed", "Run the command again. Files that were added are in the queue.", _ASK, _LOCAL),
    E.DATABASE_ERROR: CodeInfo(5003, "The local database reported an error", "Check the log. Nothing new is sent until the database works again.", _ASK, _LOCAL),
    E.DISK_FULL: CodeInfo(5004, "The disk with the profile is full", "Free some disk space: uploads resume automatically within seconds. No file is lost.", _LATER, _LOCAL),
    E.DISK_LOW: CodeInfo(5005, "The disk with the profile is almost full", "Free some disk space, or lower the limit in the settings: new files wait, then start automatically.", _LATER, _LOCAL, ("setting set min_free_bytes BYTES",)),
    E.PROFILE_READ_ONLY: CodeInfo(5009, "The disk with the profile is read-only", "Start the program again with EXAI_DESKTOP_HOME set to a folder that can be written, or make the disk writable. Nothing is sent until then.", _ASK, _LOCAL),
    E.PROFILE_FORBIDDEN: CodeInfo(5010, "No permission to write to the profile", "Change the owner or the permissions of the folder, or start the program again with EXAI_DESKTOP_HOME set to a folder of your own.", _ASK, _LOCAL),
    E.PROFILE_PATH_TOO_LONG: CodeInfo(5011, "The path of the profile is too long", "Start the program again with EXAI_DESKTOP_HOME set to a shorter path.", _ASK, _LOCAL),
    E.DATABASE_RECOVERED: CodeInfo(5006, "The local database was damaged and restored", "Add the files again that you added after the snapshot was made. Before anything is sent, the file lists of the providers are checked for files that were sent since.", _ASK, _LOCAL),
    E.DATABASE_REBUILT: CodeInfo(5007, "The local database was lost and replaced", "Add the files again that were still waiting. Before anything is sent, the file lists of the providers are checked for files that were already sent.", _ASK, _LOCAL),
    E.FLEET_UNREACHABLE: CodeInfo(5008, "The shared Redis server does not answer", "Check the Redis server and its address in the settings. Until it answers, this computer works with its own data.", _LATER, _LOCAL, ("setting set redis_url URL",)),
    E.INVALID_SETTING: CodeInfo(9002, "A setting has an invalid value", "Correct the setting. The last valid value stays in use.", _NEVER, _LOCAL),
    E.OFFLINE: CodeInfo(9004, "The provider cannot be reached", "Check the network, the proxy and the address of the account. Uploads resume automatically.", _LATER, Outcome.UNAVAILABLE),
    E.NETWORK_ERROR: CodeInfo(9003, "The connection was interrupted", "Wait: uploads resume automatically. If data was already sent, the provider's file list is checked first.", _LATER, Outcome.UNAVAILABLE),
    E.TLS_FAILED: CodeInfo(9005, "No secure connection to the provider", "Check the proxy, the address of the account and the clock of this computer. Nothing was sent.", _LATER, Outcome.UNAVAILABLE),
    E.TIMEOUT: CodeInfo(9006, "The provider did not answer in time", "Wait: the provider's file list is checked before anything is sent again.", _LATER, Outcome.UNAVAILABLE),
    E.PROXY_AUTH_REQUIRED: CodeInfo(9008, "The proxy asks for a name and password", "Start the program again with EXAI_DESKTOP_PROXY=http://NAME:PASSWORD@HOST:PORT in its environment. Nothing was sent.", _ASK, Outcome.UNAVAILABLE),
    E.PROXY_UNREACHABLE: CodeInfo(9009, "The proxy cannot be reached", "Check the address of the proxy in the settings of the program or of the system. Uploads resume automatically.", _LATER, Outcome.UNAVAILABLE),
    E.PROXY_REFUSED: CodeInfo(9010, "The proxy does not allow the connection", "Check the address of the account. If it is right, the administrators of your network must allow it. Nothing was sent.", _ASK, Outcome.UNAVAILABLE),
    E.CERTIFICATE_UNKNOWN: CodeInfo(9011, "The issuer of the certificate is not known", "Add the certificate of your company's network in the settings: its administrators have the file. Elsewhere, do not use this network. Nothing was sent.", _ASK, Outcome.UNAVAILABLE, ("setting set extra_ca FILE",)),
    E.CERTIFICATES_UNREADABLE: CodeInfo(9012, "A file with certificates cannot be read", "Correct the path in the setting or the variable, or make the file readable. Nothing is sent until then.", _ASK, _LOCAL),
    E.CANCELLED: CodeInfo(9007, "The upload was cancelled", "Retry the file to send it.", _ASK, Outcome.CANCELLED),
    E.UNEXPECTED_ERROR: CodeInfo(9001, "An unexpected error occurred", "Report the error together with the log. The file on this computer is unchanged.", _ASK, _LOCAL),
}
# fmt: on
