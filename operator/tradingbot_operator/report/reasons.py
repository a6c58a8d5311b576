"""Every reason a condition can have, what it means and what to do; docs/reference/conditions.md is made of it."""

from dataclasses import dataclass

from tradingbot_operator.report import failures


@dataclass(frozen=True, slots=True)
class Reason:
    condition: str
    status: str
    reason: str
    meaning: str
    cure: str = ""


REFUSALS = (
    ("SpecRejected", "a field of the spec cannot be used", "change the field the message names"),
    ("LiveNotAllowed", "this operator was not started for live trading", "set allowLive in the operator's chart"),
    (
        "PromotionBlocked",
        "money may not be traded yet: the message names each gate that is not passed",
        "do what the message says, or skip gates with the annotation and a reason",
    ),
    (
        "PositionsOpen",
        "another mode is asked for, and something is open at the market that is left; nothing is entered there",
        "wait for exits and stops, set spec.onModeChange to Flatten, or write the mode back",
    ),
    (
        "BookInFile",
        "a ledger in a file keeps one book: that of paper, or that of a sandbox",
        "set it back, use a database on a server, or make another TradingBot",
    ),
    ("DatabaseModeUnavailable", "this operator does not serve that kind of ledger", "use postgres or embedded"),
    (
        "DatabaseSecretMissing",
        "a Secret with a login to the ledger is not there, or cannot be read",
        "create it as the message says; it is looked for again",
    ),
    (
        "DatabaseChanged",
        "the fencer's Secret leads to another server than the bot's logins",
        "suspend the bot and delete <bot>-ledger",
    ),
    ("FencerRightsMissing", "the fencer could not shut a colour out", "run the statement the message names"),
    ("LedgerMissing", "the database holds no ledger, though the bot had one", "restore it, or make another TradingBot"),
    ("LedgerClaimed", "the database holds the ledger of another bot", "name a database of the bot's own"),
    (
        "LedgerMoved",
        "the database is a copy of the ledger: restored elsewhere, or a promoted replica; nobody trades on it",
        "once nobody can trade on the other one, annotate the bot with tradingbot.io/adopt-ledger",
    ),
    (
        "MigrationRefused",
        "the ledger could not be brought to the schema, in the words of the Job",
        "mend what the message names",
    ),
    ("DeletionModeUnavailable", "this operator does not close positions on deletion", "use deletion.positions Keep"),
    (
        "CredentialsMissing",
        "the Secret with the keys, or a key in it, is not there",
        "create it; it is looked for again",
    ),
    (
        "DuplicateAccount",
        "another bot trades the same market with the same key",
        "use another account or market, or set exchange.shared to true",
    ),
    ("NameTaken", "an object of that name belongs to someone else; nothing was overwritten", "rename or delete it"),
    ("ApplyRefused", "the API server refused an object, in its own words", "change what the message names"),
)

# Halts that nobody asked for; the words are the bot's (docs/contracts.md section 4).
CAUSES = (
    ("DailyLossLimit", "the loss of the trading day reached its limit; it clears with the day"),
    ("DrawdownLimit", "the fall from the highest equity reached its limit"),
    ("FlashDrawdown", "too much was lost within an hour; positions are closed"),
    ("Runaway", "the strategy asked for more orders than a minute may have"),
    ("LowWinRate", "too few trades of a losing day won"),
    ("UnknownState", "the ledger holds what nobody can read; nothing is decided, and the stops stay at the venue"),
    ("DataCorruption", "the ledger is not what was written; the reason names the check that failed"),
    (
        "PaperViolation",
        "a bot without real money came near it, or its settings and its pod disagree on whether it has any",
    ),
    ("Maintenance", "somebody works on the bot: exits only, until POST /api/maintenance/disable"),
    ("KeyRevoked", "the venue refuses the bot's key; the bot let go of it"),
    ("ForeignActivity", "somebody else trades on the account"),
    ("ModeChange", "spec.mode leaves the market; it clears when the other mode trades, or the mode is written back"),
)

# What Progressing and Reconciling say at each step of a hand-over.
STEPS = (
    ("Verifying", "the candidate runs; the message names the gate that is waited for"),
    ("Draining", "the trader is asked to release the lease to the candidate"),
    ("Releasing", "the trader settles what is in flight and releases"),
    ("Adopting", "the lease has gone over; the new trader takes stock"),
    ("RollingBack", "the lease is on its way back to the warm colour"),
    ("Forced", "the trader does not answer; it is shut out before another one is named"),
    ("Waiting", "another revision serves than the spec asks for, and no hand-over may begin yet"),
    ("LedgerPreparing", "logins, roles or schema of the ledger are made"),
)

REASONS: tuple[Reason, ...] = (
    Reason("Ready", "True", "PodReady", "a pod of the wanted revision can serve"),
    Reason("Ready", "True", "Halted", "a pod can serve; trading is halted", "resume by halt id when it is safe"),
    Reason("Ready", "True", "Suspended", "spec.suspend is true and no pod runs"),
    Reason("Ready", "False", "PodNotReady", "no pod of the wanted revision is ready"),
    Reason("Ready", "False", "Stopping", "spec.suspend is true and the pod still stops"),
    Reason("Ready", "False", "Deleting", "the bot is being deleted"),
    Reason("Progressing", "True", "Starting", "a pod is being brought up"),
    Reason("Progressing", "True", "Stopping", "the pod is stopping"),
    Reason("Progressing", "True", "Deleting", "the bot is being deleted"),
    Reason("Progressing", "False", "Settled", "nothing is under way"),
    *(Reason("Progressing", "True", *step) for step in STEPS),
    Reason("Reconciling", "True", "Starting", "a pod is being brought up"),
    *(Reason("Reconciling", "True", *step) for step in STEPS),
    Reason("Reconciling", "True", "Stopping", "the pod is stopping"),
    Reason("Reconciling", "True", "Deleting", "the bot is being deleted"),
    *(Reason("Stalled", "True", *refusal) for refusal in REFUSALS),
    Reason("Stalled", "True", "PodFailing", "the pod cannot start, in the node's words", "mend what the message names"),
    Reason(
        "Stalled",
        "True",
        "UnsafeKeyPermissions",
        "the exchange key may withdraw, or may not trade",
        "make a key that may trade and nothing else",
    ),
    Reason(
        "Stalled",
        "True",
        "Refused",
        "the revision was refused before it traded; the old one trades on",
        "change the spec, or name the revision in a promote task",
    ),
    Reason(
        "Stalled",
        "True",
        "RolledBack",
        "the revision traded and was taken back; the old one trades",
        "change the spec, or name the revision in a promote task",
    ),
    Reason(
        "Stalled",
        "True",
        "NobodyCanTrade",
        "the lease has no living holder, and no process may take it",
        "look at the pods of both colours",
    ),
    Reason("Stalled", "True", "StartDeadlineExceeded", "no pod became ready in time", "read the pod's log"),
    Reason("TradingActive", "True", "Trading", "the process may place orders"),
    Reason("TradingActive", "False", "Halted", "a halt stands", "resume by halt id when it is safe"),
    Reason("TradingActive", "False", "NotTrading", "the process starts, stands by, is blocked or stops"),
    Reason("TradingActive", "False", "NoPod", "no pod runs"),
    Reason("TradingActive", "Unknown", "NotReported", "the process does not answer: it may or may not trade"),
    Reason("SingleWriter", "True", "LeaseHeld", "one process holds the ledger's lease"),
    Reason("SingleWriter", "Unknown", "NotReported", "no process has named its epoch"),
    Reason("SingleWriter", "Unknown", "NobodyHolds", "the lease is free: nobody can write"),
    Reason("RollbackAvailable", "True", "Warm", "the other colour takes over at once; the message says until when"),
    Reason("RollbackAvailable", "False", "ColdOnly", "no other colour is warm; an older revision is started first"),
    Reason("RollbackAvailable", "False", "OneColour", "there is no other revision"),
    Reason("BackupHealthy", "Unknown", "NotConfigured", "no backup is asked for"),
    Reason("BackupHealthy", "False", "NotServed", "a backup is asked for and this operator takes none"),
    Reason("MigrationsApplied", "True", "LedgerOpen", "the process has opened its ledger"),
    Reason("MigrationsApplied", "Unknown", "NotReported", "no process has opened the ledger"),
    Reason("Halted", "True", "Reduce", "only exits are allowed", "resume by halt id"),
    Reason("Halted", "True", "Halt", "nothing new is ordered; stops at the venue stay", "resume by halt id"),
    Reason("Halted", "True", "Flatten", "positions are closed, then nothing is ordered", "resume by halt id"),
    *(Reason("Halted", "True", *cause, "find the cause, then resume by halt id") for cause in CAUSES),
    Reason("Halted", "True", "LastKnown", "no process answers; the last one was halted"),
    Reason("Halted", "False", "NotHalted", "no halt stands"),
    Reason("Halted", "Unknown", "NotReported", "the process does not answer"),
    Reason(
        "ForeignActivity",
        "True",
        "ForeignOrderDetected",
        "an order of somebody else is open on the account, in a market of the bot",
        "cancel it, or trade it on another account; spec.reconcile.foreignOrders says whether it halts",
    ),
    Reason(
        "ForeignActivity",
        "True",
        "AccountChanged",
        "somebody else traded, or coins came or went, or are missing; the bot sells only what is there",
        "find out who; resume by halt id if it halted",
    ),
    Reason(
        "PaperModeConsistent",
        "False",
        "Contradicted",
        "settings, environment and process of the pod disagree on whether money is real; it halted (PaperViolation)",
        "GET /api/health/safety names it: mend the TradingBot, or delete the pod that was changed; then resume",
    ),
    Reason("PaperModeConsistent", "True", "Consistent", "they did not agree once, and do now"),
    Reason("PaperModeConsistent", "Unknown", "NotReported", "they did not agree once, and the process does not say"),
    Reason(
        "ClockSkew",
        "True",
        "Skewed",
        "the venue's clock and the node's are further apart than spec.clockSync.warnThresholdMs; times are corrected",
        "mend the time service (NTP) of the node before it becomes more",
    ),
    Reason(
        "ClockSkew",
        "True",
        "Off",
        "they are further apart than spec.clockSync.killThresholdMs, or nobody knows; entries wait",
        "mend the time service (NTP) of the node; it clears by itself",
    ),
    *(Reason("VenueFailing", "True", *failure) for failure in failures.REASONS),
    Reason(
        "KeyRotationDue",
        "True",
        "ApiKeyRotationDue",
        "the exchange keys are older than 30 days, or than spec.monitoring.thresholds api_key_age_days (warning)",
        "make new keys at the exchange, then kubectl atb keys rotate",
    ),
    Reason("ConfigInSync", "True", "RevisionRuns", "what runs is what the spec asks for"),
    Reason("ConfigInSync", "False", "OtherRevisionRuns", "another revision serves than the spec asks for"),
    Reason("ConfigInSync", "False", "NotRunning", "the wanted revision does not run"),
    *(Reason("ConfigInSync", "False", *refusal) for refusal in REFUSALS),
    Reason(
        "MonitoringConfigured", "True", "Configured", "the bot's PrometheusRule and the namespace's PodMonitor stand"
    ),
    Reason("MonitoringConfigured", "False", "RuleMissing", "the bot's PrometheusRule was gone and is made again"),
    Reason(
        "MonitoringConfigured",
        "False",
        "RuleNotWritten",
        "the bot's PrometheusRule could not be written, and the message says why; the bot trades as it did",
        "rename what has its name, grant the operator the right, or mend what checks the rules",
    ),
    Reason("MonitoringConfigured", "False", "MonitorMissing", "the PodMonitor was gone and is made again"),
    Reason("MonitoringConfigured", "Unknown", "Deleting", "the bot is being deleted"),
    Reason("MonitoringConfigured", "Unknown", "NotStarted", "the bot was never started, so nothing is made for it yet"),
    Reason(
        "MonitoringConfigured",
        "Unknown",
        "MonitorNotWanted",
        "spec.monitoring.podMonitor is Never; before money is traded Prometheus itself is asked for its rules",
    ),
    Reason(
        "MonitoringConfigured",
        "Unknown",
        "NoMonitoringKinds",
        "the cluster had no PrometheusRule and PodMonitor when the operator started; before money is traded Prometheus"
        " itself is asked for its rules",
        "load manifests/monitoring, or install the Prometheus operator and restart this one",
    ),
)

# How the tools that wait read a bot (kstatus: Flux, Argo CD with its library, Helm 4 --wait).
STATES: tuple[tuple[str, str, str, str, str], ...] = (
    ("not seen by the operator yet", "-", "-", "-", "InProgress (observedGeneration is -1)"),
    ("first start, or a new version starts in place", "False", "True", "-", "InProgress"),
    ("swap, up to adoption", "True, of the old generation", "True", "-", "InProgress"),
    ("another version is asked for and may not start yet", "True, of the old generation", "True", "-", "InProgress"),
    ("observed, done", "True", "-", "-", "Current"),
    ("candidate refused, or rolled back", "True, of the old generation", "-", "True", "Failed"),
    ("nobody can trade", "False", "-", "True", "Failed"),
    ("runs what the spec asks for", "True", "-", "-", "Current"),
    ("spec refused, the old version runs on", "True, of the old generation", "-", "True", "Failed"),
    ("spec refused, nothing runs", "False", "-", "True", "Failed"),
    ("pod cannot start", "False", "-", "True", "Failed"),
    ("halted", "True, reason Halted", "-", "-", "Current"),
    ("suspended", "True, reason Suspended", "-", "-", "Current"),
    ("being deleted", "False", "True", "-", "Terminating"),
)

TASK_REASONS: tuple[Reason, ...] = (
    Reason("Complete", "True", "Done", "the task was carried out"),
    Reason("Complete", "False", "NotDone", "the task was not carried out; Failed says why"),
    Reason("Failed", "False", "Done", "the task was carried out"),
    Reason("Complete", "False", "Running", "the task is under way; the message says what it waits for"),
    Reason("Reconciling", "True", "Running", "the task is under way"),
    Reason(
        "Stalled",
        "True",
        "Running",
        "what the task waits for does not come by itself: no process of the bot can start",
        "mend the bot's spec or write back the one that worked; the task then goes on",
    ),
    Reason(
        "Failed",
        "True",
        "NotCarriedOut",
        "the hand-over was refused or called off, the bot goes, or nothing fits",
        "read why",
    ),
    Reason("Failed", "True", "TypeNotServed", "this operator does not carry out tasks of that type"),
    Reason(
        "Failed", "True", "BotNotFound", "there is no TradingBot of that name in the namespace", "name one that exists"
    ),
    Reason("Failed", "True", "Expired", "spec.notAfter had passed before the task could start", "create a new task"),
    Reason("Failed", "True", "SpecRejected", "a field of the spec cannot be used", "create a new task"),
)

# The names the runbooks use, and where they are found.
MAPPED: tuple[tuple[str, str], ...] = (
    ("KillSwitchActive", "`Halted` True"),
    ("Paused", "`Ready` True, reason `Suspended`"),
    ("DatabaseReady, SchemaCurrent", "`MigrationsApplied` True, reason `LedgerOpen`"),
    ("LeaderElected, FenceHeld", "`SingleWriter` True, reason `LeaseHeld`"),
    ("ConfigValid", "`ConfigInSync`; a refused spec is `Stalled` with reason `SpecRejected`"),
    ("Available", "`Ready` True"),
    ("ExchangeConnected False", "`VenueFailing` True; its reason says how"),
    ("Degraded", "`Stalled` True"),
    ("Healthy", "`TradingActive` True"),
)
