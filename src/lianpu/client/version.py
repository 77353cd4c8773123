"""How this client calls itself."""

import lianpu

USER_AGENT = f"lianpu-client/{lianpu.__version__}"
