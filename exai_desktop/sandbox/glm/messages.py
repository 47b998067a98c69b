"""GLM's error codes with their English and Chinese sentences."""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "500": ("Internal error", "内部错误"),
    "434": ("No permission for the file API", "无权限使用文件接口"),
    "435": ("File size must not exceed 100MB", "文件大小超过100MB"),
    "1000": ("Authentication failed", "身份验证失败"),
    "1001": (
        "Authentication parameter not received in Header, unable to authenticate",
        "Header中未收到Authorization参数，无法进行身份验证",
    ),
    "1002": (
        "Invalid authentication token, please confirm its correctness",
        "Authorization Token非法，请确认Authorization Token正确传递",
    ),
    "1003": (
        "Authentication token expired, please regenerate or obtain it again",
        "Authorization Token已过期，请重新生成或获取",
    ),
    "1113": (
        "Your account is in arrears, please recharge and try again",
        "您的账户已欠费，请充值后重试",
    ),
    "1120": (
        "Unable to access your account, please try again later",
        "无法成功访问您的账户，请稍候重试",
    ),
    "1210": (
        "API call parameters incorrect, please check documentation",
        "API 调用参数有误，请检查文档",
    ),
    "1213": ("Parameter not received properly", "未正常接收到参数"),
    "1214": ("Invalid parameter, please check documentation", "参数非法，请检查文档"),
    "1220": ("No permission for this API", "您无权访问该 API"),
    "1230": ("Process error, please try again later", "API 调用流程出错，请稍后重试"),
    "1234": ("Network error, please contact customer service", "网络错误，请联系客服"),
    "1302": (
        "Rate limit reached for requests, please lower the concurrency",
        "您的账户已达到速率限制，请您控制请求频率",
    ),
    "1305": ("The service is overloaded, please try again later", "当前服务过载，请稍后重试"),
}

_DEFAULT_CODES = {
    400: "1210",
    401: "1000",
    403: "1220",
    404: "1214",
    429: "1302",
    434: "434",
    435: "435",
    503: "1305",
}


def default_code(status: int) -> str:
    """The code that usually goes with a status."""
    return _DEFAULT_CODES.get(status, "500")


def speaks_chinese(accept_language: str | None, *, chinese_by_default: bool) -> bool:
    """Which of the two languages the request gets: the first it names, else the host's own."""
    for part in (accept_language or "").lower().split(","):
        if part.strip().startswith("zh"):
            return True
        if part.strip().startswith("en"):
            return False
    return chinese_by_default


def sentence(code: str, chinese: bool, detail: str = "") -> str:
    """The message of a code, with what exactly was wrong."""
    english_text, chinese_text = SENTENCES.get(code, SENTENCES["500"])
    text = chinese_text if chinese else english_text
    if not detail:
        return text
    return f"{text}：{detail}" if chinese else f"{text}: {detail}"
