"""Names that other parts and people rely on (docs/contracts.md section 1); none of them ever changes."""

GROUP = "tradingbot.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
TRADINGBOT = "TradingBot"
BOTTASK = "BotTask"

FINALIZER = f"{GROUP}/operator"
FIELD_MANAGER = "tradingbot-operator"
STATUS_MANAGER = "tradingbot-operator-status"
COMPONENT = "tradingbot-operator"

# People pick the Deployments of all bots by it. No pod bears it: another label makes another pod.
LABEL_APP = "app"
APP = "tradingbot"
LABEL_BOT = f"{GROUP}/bot"
LABEL_COLOUR = f"{GROUP}/colour"
LABEL_REVISION = f"{GROUP}/revision"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"

HALT = f"{GROUP}/halt"
RESUME = f"{GROUP}/resume"
HALT_ORIGIN = f"{GROUP}/halt-origin"
HALT_ID = f"{GROUP}/halt-id"
ADOPT_LEDGER = f"{GROUP}/adopt-ledger"
DELETE_REASON = f"{GROUP}/delete"
INTENT = f"{GROUP}/intent"
NUMBER = f"{GROUP}/revision-number"
CONFIG_OF = f"{GROUP}/config"
KEYS = f"{GROUP}/keys"
BOOK = f"{GROUP}/book"
REQUEST = f"{GROUP}/request"
IMAGE_ID = f"{GROUP}/image-id"
ROTATED_AT = f"{GROUP}/rotated-at"
ASKED = f"{GROUP}/asked"
LABEL_PROBE = f"{GROUP}/probe"
SKIP_GATES = f"{GROUP}/skip-gates"

BLUE = "blue"
GREEN = "green"
CONTAINER = "bot"
REVISION_VARIABLE = "TRADINGBOT_REVISION"

USER = 65532
HTTP_PORT = 8000
OPS_PORT = 9090
HEALTH_PORT = 8080
