"""As `tests/api/streams`: events that are pushed and posted to webhooks, and the inbox of the unknown."""

from tests.api.streams.test_delivery import *  # noqa: F403
from tests.api.streams.test_event_push import *  # noqa: F403
from tests.api.streams.test_unknown_inbox import *  # noqa: F403

del test_R_STR_8_home_assistant_sees_a_real_stream_come_and_go  # noqa: F821
