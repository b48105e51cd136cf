package api

import (
	"lanewarden/edge/accounts"
	"lanewarden/edge/cases/photo"
	"lanewarden/edge/diag/guided"
)

// The operations of the agent's local API. docs/agent-openapi.yaml is made from them.
var (
	GetSession = Query[None, SessionInfo]{Route{
		ID: "getSession", Pattern: "GET /v1/session", Role: accounts.Nobody,
		Summary: "The caller's name, role and token",
	}}
	PostSession = Action[SignIn, SessionInfo]{Route{
		ID: "signIn", Pattern: "POST /v1/session", Role: accounts.Nobody, Open: true, Audit: "sign-in",
		Summary: "Sign in", Fails: []Code{WrongPassword, TooMany, NotFound},
	}}
	DeleteSession = Action[None, SessionInfo]{Route{
		ID: "signOut", Pattern: "DELETE /v1/session", Role: accounts.Viewer, Audit: "sign-out", Summary: "Sign out",
	}}
	GetStatus = Query[None, Status]{Route{
		ID: "getStatus", Pattern: "GET /v1/status", Role: accounts.Viewer,
		Summary: "Agent, clock, journal, link, and devices with state and reason in words",
	}}
	GetStream = Stream[StreamQuery]{Route{
		ID: "stream", Pattern: "GET /v1/stream", Role: accounts.Viewer, Media: "text/event-stream",
		Summary: "What happens, as server-sent events without end",
		Note: "Events: `status` (Status) each second; `rows` (array of Head) as they are journalled; of the device " +
			"that is named, `live` (array of Sample) and `raw` (array of RawLine); `test` (GuidedView) while a " +
			"guided test runs.",
		Items: []any{Status{}, Head{}, Sample{}, RawLine{}, guided.View{}}, Fails: []Code{Unavailable},
	}}
	GetTail = Stream[TailQuery]{Route{
		ID: "tail", Pattern: "GET /v1/tail", Role: accounts.Viewer, Media: "application/x-ndjson",
		Summary: "The newest observations that match, a Line each, and with follow those that come",
		Items:   []any{Line{}}, Fails: []Code{NotFound},
	}}
	GetLive = Query[DeviceQuery, []Sample]{Route{
		ID: "live", Pattern: "GET /v1/live/{device}", Role: accounts.Viewer,
		Summary: "The latest samples of a device's waveform, up to two minutes of them, which are never journalled",
	}}
	GetObservations = Query[ObservationQuery, Found]{Route{
		ID: "searchObservations", Pattern: "GET /v1/observations", Role: accounts.Viewer,
		Summary: "Search the journal, newest first, page by page",
		Note: "One request looks at 20,000 rows at most: a page may have fewer observations than limit, or none, " +
			"and next.",
	}}
	GetPassages = Query[PassagesQuery, PassageList]{Route{
		ID: "listPassages", Pattern: "GET /v1/passages", Role: accounts.Viewer,
		Summary: "Passages that are open and the last ones that are closed, newest first", Fails: []Code{Unavailable},
	}}
	GetPassage = Query[PassageQuery, PassageDetail]{Route{
		ID: "getPassage", Pattern: "GET /v1/passages/{id}", Role: accounts.Viewer,
		Summary: "A passage with all that belongs to it, and the readings that may be its own",
		Note: "However old: one that is not among the last is folded from the journal. One whose rows were removed " +
			"to make room is not found, and the problem says so.",
		Fails: []Code{NotFound, Unavailable},
	}}
	PostCorrection = Action[Correction, *CorrectionOutcome]{Route{
		ID: "correctPassage", Pattern: "POST /v1/passages/corrections", Role: accounts.Officer, Audit: "correction",
		Summary: "Move a reading to another passage, or to none", Fails: []Code{NotDone},
	}}
	GetClearance = Query[None, Booths]{Route{
		ID: "getClearance", Pattern: "GET /v1/clearance", Role: accounts.Viewer,
		Summary: "The booths of the lanes: the decision in force at each, and the last ones",
	}}
	PostOverride = Action[Override, Done]{Route{
		ID: "overrideDecision", Pattern: "POST /v1/clearance/overrides", Role: accounts.Officer, Audit: "override",
		Summary: "Put another outcome in force than the rules give", Fails: []Code{NotFound, NotDone},
	}}
	PostCode = Action[KeyedCode, Done]{Route{
		ID: "keyCode", Pattern: "POST /v1/clearance/codes", Role: accounts.Officer, Audit: "code",
		Summary: "Key in a code that does not scan, twice", Fails: []Code{NotFound, NotDone},
	}}
	GetCases = Query[CasesQuery, CaseList]{Route{
		ID: "listCases", Pattern: "GET /v1/cases", Role: accounts.Viewer,
		Summary: "The cases of the lanes: open ones, worst first, and the last ones that are settled",
	}}
	GetCase = Query[CaseQuery, Case]{Route{
		ID: "getCase", Pattern: "GET /v1/cases/{id}", Role: accounts.Viewer,
		Summary: "A case with its history", Fails: []Code{NotFound},
	}}
	GetCasesCSV = Stream[None]{Route{
		ID: "exportCases", Pattern: "GET /v1/cases.csv", Role: accounts.Viewer, Media: "text/csv",
		Summary: "The cases of the lanes as comma separated values, a line each, with the codes of docs/cases.md",
	}}
	PostCaseEvent = Action[CaseAct, Case]{Route{
		ID: "actInCase", Pattern: "POST /v1/cases/{id}/events", Role: accounts.Technician, Audit: "case",
		Summary: "Take a case, decide it, or do something else in it",
		Note: "A technician may comment, attach, and enter the result of an inspection; the rest is for officers, and " +
			"for those whom the policy names. The same key again counts once.",
		Fails: []Code{NotFound, NotDone},
	}}
	PostCasePhoto = Action[CasePhoto, Case]{Route{
		ID: "addPhoto", Pattern: "POST /v1/cases/{id}/photos", Role: accounts.Technician, Audit: "case",
		Body:    photo.Media,
		Summary: "Add a photo to a case",
		Note: "JPEG or PNG by its content, at most 8 MB. It is kept as it came, with what the camera wrote into it, " +
			"as an artifact that the row names.",
		Fails: []Code{BadRequest, NotFound, NotDone},
	}}
	GetDevice = Query[DeviceQuery, DeviceDetail]{Route{
		ID: "getDevice", Pattern: "GET /v1/devices/{device}", Role: accounts.Viewer,
		Summary: "State of a device, and its settings in force", Fails: []Code{NotFound},
	}}
	PostOutput = Action[Output, Done]{Route{
		ID: "setOutput", Pattern: "POST /v1/devices/{device}/outputs", Role: accounts.Technician, Audit: "output",
		Summary: "Set an output of a device: a barrier, a light", Fails: []Code{NotDone},
	}}
	PostMaintenance = Action[Maintenance, Done]{Route{
		ID: "maintainDevice", Pattern: "POST /v1/devices/{device}/maintenance", Role: accounts.Technician,
		Audit:   "maintenance",
		Summary: "Have a device be in maintenance until a time",
		Note: "What it says is recorded and marked meanwhile, is no alarm and of no vehicle, and its absence is no fault. A " +
			"device that is in maintenance already gets the new time.",
		Fails: []Code{BadRequest, NotFound, NotDone},
	}}
	PostMaintenanceEnd = Action[MaintenanceEnd, Done]{Route{
		ID: "endMaintenance", Pattern: "POST /v1/devices/{device}/maintenance/end", Role: accounts.Technician,
		Audit:   "maintenance",
		Summary: "End a device's maintenance before its time", Fails: []Code{NotFound, NotDone},
	}}
	GetRecording = Stream[RecordingQuery]{Route{
		ID: "getRecording", Pattern: "GET /v1/devices/{device}/recording", Role: accounts.Technician,
		Media:   "application/octet-stream",
		Summary: "A device's raw bytes of a time with what was journalled, in the format of the tape (docs/tape.md)",
		Fails:   []Code{NotFound},
	}}
	GetArtifact = Stream[ArtifactQuery]{Route{
		ID: "getArtifact", Pattern: "GET /v1/artifacts/{sha256}", Role: accounts.Viewer,
		Media:   "application/octet-stream",
		Summary: "The bytes of an artifact, or ranges of them", Fails: []Code{NotFound},
	}}
	GetPicture = Stream[PictureQuery]{Route{
		ID: "getPicture", Pattern: "GET /v1/artifacts/{sha256}/picture", Role: accounts.Viewer, Media: "image/png",
		Summary: "A picture of an artifact; one is drawn at a time", Fails: []Code{NotFound, NotDrawable},
	}}
	GetValues = Stream[ValuesQuery]{Route{
		ID: "getValues", Pattern: "GET /v1/artifacts/{sha256}/values", Role: accounts.Viewer, Media: ValuesMedia,
		Summary: "The values of an X-ray image, or of a region of it, at full depth and without loss",
		Note:    "docs/console.md describes the form.",
		Fails:   []Code{BadRequest, NotFound, NotDrawable},
	}}
	GetTests = Query[None, TestList]{Route{
		ID: "listTests", Pattern: "GET /v1/tests", Role: accounts.Viewer,
		Summary: "The guided tests, which are due, and the one that runs or ran last",
	}}
	PostTest = Action[TestStart, Done]{Route{
		ID: "startTest", Pattern: "POST /v1/tests", Role: accounts.Technician, Audit: "test",
		Summary: "Start a guided test", Fails: []Code{NotDone},
	}}
	PostTestAct = Action[TestAct, *guided.View]{Route{
		ID: "answerTest", Pattern: "POST /v1/tests/run", Role: accounts.Technician, Owner: accounts.Admin,
		Audit:   "test",
		Summary: "Answer the step of the guided test that runs, or abandon it",
		Note:    "Abandoning somebody else's test needs the role admin.",
		Fails:   []Code{NotDone, NotOwner},
	}}
	PostReceipt = Action[Receipt, Done]{Route: Route{
		ID: "takeReceipt", Pattern: "POST /v1/receipts", Role: accounts.Admin, Audit: "receipt",
		Summary: "Take a receipt from the hub for what was carried to it",
		Note: "What the receipt names is acknowledged as if the hub had said it over the link; " +
			"`lanehub carry import` prints it.",
	}}
	PostOrders = Action[OrdersFolder, OrdersTaken]{Route: Route{
		ID: "takeOrders", Pattern: "POST /v1/orders", Role: accounts.Technician, Audit: "orders",
		Summary: "Take what the centre has published from a folder on this machine, such as a stick",
		Note:    "The same is checked as over the link: signatures, versions, expiry. `lanehub orders export` writes the folder.",
		Fails:   []Code{NotDone},
	}}
	PostErasure = Action[Erasure, Erased]{Route: Route{
		ID: "erase", Pattern: "POST /v1/erasures", Role: accounts.Admin, Audit: "erase",
		Summary: "Erase personal data: of all rows that have a name, or that came before a time",
		Note:    "Rows and proofs stay. The hub does the same with its copy when the row that says so has come.",
	}}
	PostVerification = Action[None, Verdict]{Route{
		ID: "verifyEvidence", Pattern: "POST /v1/evidence/verification", Role: accounts.Technician,
		Audit:   "verification",
		Summary: "Hash every row of the journal again and hold it against the signed checkpoints; one at a time",
		Fails:   []Code{NotDone},
	}}
	GetMetrics = Stream[None]{Route{
		ID: "metrics", Pattern: "GET /metrics", Role: accounts.Nobody, Media: "text/plain",
		Summary: "Prometheus metrics, laned_…",
	}}
	GetHealth = Stream[None]{Route{
		ID: "health", Pattern: "GET /healthz", Role: accounts.Nobody, Media: "text/plain",
		Summary: "Whether what devices send is stored",
		Note:    "The text `ok`, or a problem while the journal accepts nothing.",
		Fails:   []Code{Unavailable},
	}}
)

// Agent returns the operations of the agent's local API.
func Agent() []Operation {
	return []Operation{
		&GetSession, &PostSession, &DeleteSession, &GetStatus, &GetStream, &GetTail, &GetLive, &GetObservations,
		&GetPassages, &GetPassage, &PostCorrection, &GetClearance,
		&PostOverride, &PostCode, &GetCases, &GetCase, &GetCasesCSV, &PostCaseEvent, &PostCasePhoto, &GetDevice, &PostOutput,
		&PostMaintenance, &PostMaintenanceEnd, &GetRecording, &GetArtifact, &GetPicture, &GetValues,
		&GetTests, &PostTest, &PostTestAct, &PostReceipt, &PostOrders, &PostErasure, &PostVerification, &GetMetrics, &GetHealth,
	}
}
