"""What can go wrong with a list or a watch."""

from enum import StrEnum


class Trouble(StrEnum):
    """Why a list or a watch ended."""

    ENDED = "ended"
    EXPIRED = "expired"
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    BROKEN_OFF = "broken_off"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"


_OF_STATUS = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.ABSENT,
    410: Trouble.EXPIRED,
    429: Trouble.THROTTLED,
}


class ApiError(Exception):
    """A list or a watch did not work; its text is what the server or the network said."""

    def __init__(self, trouble: Trouble, said: str, pause: float = 0.0, status: int = 0) -> None:
        """`pause`: how many seconds the server wants to be left alone; `status` as in HTTP, 0 when there was none."""
        super().__init__(said)
        self.trouble, self.pause, self.status = trouble, pause, status


def of_status(code: object, said: str, pause: float = 0.0) -> ApiError:
    """What a status says, of an answer or of an error within a watch."""
    number = code if isinstance(code, int) else 0
    otherwise = Trouble.SERVER_ERROR if number >= 500 or not number else Trouble.REFUSED  # noqa: PLR2004, HTTP's own
    return ApiError(_OF_STATUS.get(number, otherwise), said or f"status {code}", pause, number)
