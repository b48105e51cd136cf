// Package hubapi is the contract of the hub's HTTP side: its table of operations, and the types of requests and
// answers. docs/openapi.yaml is made from it.
package hubapi

import (
	"encoding/json"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/rollout"
)

// FeedQuery is the request of GET /v1/feed.
type FeedQuery struct {
	// lwcursor of the last event that the reader has; 0 for all, now for those to come
	After string `query:"after"`
	Limit int    `query:"limit" default:"1000" min:"1" max:"100000"` // most events in the answer
	// when there is nothing yet, how long to wait for the first event
	Wait  time.Duration `query:"wait" max:"1m"`
	Class string        `query:"class"` // only these classes: alarm,event
	// Kind is only these kinds: radiation.*,passage.closed; with a leading dash (-passage.updated) all but these.
	Kind  string `query:"kind"`
	Site  string `query:"site"`  // only this site
	Agent string `query:"agent"` // only this agent

	LastEventID string `header:"Last-Event-ID"` // like after, and before it
}

// CloudEvent is an event of the feed: CloudEvents 1.0 in JSON. Extension attributes begin with lw.
type CloudEvent struct {
	SpecVersion string `json:"specversion" const:"1.0"`
	ID          string `json:"id"`      // JOURNAL/IDX: the same observation has the same id for ever
	Source      string `json:"source"`  // /lanewarden/SITE/AGENT
	Type        string `json:"type"`    // lanewarden.radiation.occupancy.v1
	Subject     string `json:"subject"` // device id
	Time        string `json:"time" format:"date-time"`
	ContentType string `json:"datacontenttype" const:"application/json"`
	Cursor      string `json:"lwcursor"` // the feed's cursor after this event, EPOCH-NUMBER; to be kept whole
	Class       string `json:"lwclass" enum:"alarm,event,telemetry"`
	Lane        string `json:"lwlane,omitempty"` // the lane at which the device stands
	// Passage is the passage that the reading belongs to, as the lane had said when the event was read. Absent
	// before; later events passage.opened, passage.updated and passage.corrected say it in their data, with the other
	// candidate.
	Passage string `json:"lwpassage,omitempty"`
	Plate   string `json:"lwplate,omitempty"` // plate of that passage
	// how likely it is that passage, a decimal number from 0 to 1; absent where the lane did not say it
	Confidence string `json:"lwconfidence,omitempty"`
	// Other is a passage that the reading may belong to as well, when lwconfidence is under 0.95: this or the next
	// truck. An alarm holds the vehicles of both. With lwother and without lwpassage: probably of no vehicle of this
	// lane.
	Other      string `json:"lwother,omitempty"`
	OtherPlate string `json:"lwotherplate,omitempty"` // plate of that other passage
	// how likely it is that other passage, a decimal number from 0 to 1
	OtherShare string `json:"lwotherconfidence,omitempty"`
	// Cause is what an alarm is, in one sentence; of alarms only.
	Cause   string `json:"lwcause,omitempty"`
	CauseFR string `json:"lwcausefr,omitempty"` // the same in French
	// Preview is the SHA-256 (hex) of the small X-ray picture of an alarm's vehicle, where there is one when the event
	// is read:
	// GET /v1/artifacts/{sha256} has it.
	Preview string          `json:"lwpreview,omitempty"`
	Idx     string          `json:"lwidx"`     // row of the journal and leaf of its evidence log
	Journal string          `json:"lwjournal"` // hex
	Data    json.RawMessage `json:"data"`      // lanewarden.v1.Body in the protobuf JSON mapping, but bytes in hex
}

// AgentsQuery is the request of GET /v1/agents.
type AgentsQuery struct {
	// where the page begins, as the header Link of the page before says
	After string `query:"after"`
	Limit int    `query:"limit" default:"1000" min:"1" max:"1000"` // most agents in the answer
}

// Rekey is the request of POST /v1/agents/{site}/{agent}/rekey.
type Rekey struct {
	Site  string `path:"site" json:"-"`
	Agent string `path:"agent" json:"-"`
	// Key is the new public key, as the agent's status has it; without it the one that the agent shows next is taken.
	Key string `json:"key,omitempty"`
}

// AgentSummary is the ledger's copy of a journal with the state of its agent.
type AgentSummary struct {
	Site      string                `json:"site"`
	Agent     string                `json:"agent"`
	Online    bool                  `json:"online"`
	Heard     *time.Time            `json:"heard,omitempty"` // last state message
	Hello     time.Time             `json:"hello"`           // last one
	Software  string                `json:"software"`
	Journal   string                `json:"journal"`              // hex
	ForkOf    string                `json:"fork_of,omitempty"`    // of a fork: the journal, hex, that it parted from
	Size      int64                 `json:"size"`                 // rows at the last hello
	Run       string                `json:"run,omitempty"`        // hex: of the agent, as commands name it; absent before its hello
	Held      int64                 `json:"held"`                 // rows here without holes
	Verified  int64                 `json:"verified"`             // rows under a checkpoint found right
	Refused   string                `json:"refused,omitempty"`    // why nothing more is accepted from this journal
	RefusedFR string                `json:"refused_fr,omitempty"` // Refused in French
	Cursors   map[string]int64      `json:"cursors"`              // by class: idx of the last row held
	Waiting   map[string]int64      `json:"waiting,omitempty"`    // by class, and artifacts; as the agent last said
	Devices   []*observation.Device `json:"devices"`              // lanewarden.v1.Device
	VerifyKey string                `json:"verify_key"`           // the agent's public key, for lanectl verify --key
	// URL of the lane's console; absent when it is not reached from here
	Console string          `json:"console,omitempty"`
	Trouble []DeviceTrouble `json:"trouble"` // devices that do not work, as the agent last said
}

// DeviceTrouble is a device that does not work, as its agent says.
type DeviceTrouble struct {
	Device string `json:"device"`
	State  string `json:"state" enum:"connecting,silent,down,stopped"`
	Reason string `json:"reason"` // in words, for a technician, English
	// ReasonFR is the reason in French; absent from agents that do not say it.
	ReasonFR string    `json:"reason_fr,omitempty"`
	Since    time.Time `json:"since"` // of the state
}

// ArtifactName is the request of the operations about one artifact.
type ArtifactName struct {
	SHA256 api.Hash `path:"sha256"`
}

// RegionQuery is the request of GET /v1/artifacts/{sha256}/region.
type RegionQuery struct {
	SHA256 api.Hash `path:"sha256"`
	Region string   `query:"region"` // x,y,width,height in the image's own pixels; all without it
	// what the answer may take on the lane's link, in ms: values are means of as many pixels as make it pass in time
	Within int `query:"within" default:"1000" min:"200" max:"20000"`
	// each pixel, or as many values as max has, whatever it takes; 413 says how long that is, where it is over 30 s
	Exact bool `query:"exact"`
	Max   int  `query:"max" min:"16" max:"1048576"` // the most values along the longest side
}

// Enrolment is the request of POST /v1/enrolments.
type Enrolment struct {
	Invitation string `json:"invitation"` // the first four letters of the code
	Secret     string `json:"secret"`     // the next ten
	// a certification request (PKCS #10, RFC 2986, PEM) for the common name SITE/AGENT, with a key on P-256
	Request string `json:"request"`
}

// Enrolled is the answer of POST /v1/enrolments.
type Enrolled struct {
	Agent       string `json:"agent"`       // SITE/AGENT
	Certificate string `json:"certificate"` // the client certificate (PEM)
	Authority   string `json:"authority"`   // the certificate of the authority that signed it (PEM)
	// Root is the root of trust of what the centre publishes for lanes, now in force (root.json of TUF); absent where it
	// publishes nothing.
	Root string `json:"root,omitempty"`
}

// The operations of the hub's HTTP side.
var (
	GetFeed = api.Stream[FeedQuery]{Route: api.Route{
		ID: "feed", Pattern: "GET /v1/feed", Scope: api.ScopeFeed,
		Media:   "application/x-ndjson, application/cloudevents-batch+json, text/event-stream",
		Summary: "Observations of all agents in the order in which the hub made them durable",
		Note: "Each observation is one CloudEvent. A reader keeps lwcursor of the last event that it has dealt with" +
			" and asks again after it; an event is delivered at least once, and its id is the same for ever. " +
			"Accept chooses the form: application/x-ndjson (the default), application/cloudevents-batch+json, or " +
			"text/event-stream, a stream without end that resumes by Last-Event-ID (events with `id: CURSOR` and " +
			"`data: CloudEvent`). A cursor whose row the ledger does not hold any more, because a backup was put " +
			"in its place, is answered with 410.",
		Items: []any{CloudEvent{}}, Fails: []api.Code{api.CursorGone},
	}}
	GetAgents = api.Query[AgentsQuery, []AgentSummary]{Route: api.Route{
		ID: "agents", Pattern: "GET /v1/agents", Scope: api.ScopeFleet,
		Summary: "What the hub holds of every journal, and how its agent is",
		Note: "One page of journals, newest hello first: at most limit, and fewer where agents have many devices. " +
			"The header Link names the next page (`</v1/agents?...>; rel=\"next\"`); without it the page is the " +
			"last one. An agent that says hello between two pages may come twice.",
	}}
	GetArtifact = api.Stream[ArtifactName]{Route: api.Route{
		ID: "artifact", Pattern: "GET /v1/artifacts/{sha256}", Scope: api.ScopeArtifacts,
		Media:   "application/octet-stream",
		Summary: "An artifact (image, document) whole, or ranges of it",
		Note: "Artifacts are named by their SHA-256 in hex, as observations name them (data.artifacts), and have " +
			"the media type that the observation gives. They come after the observations; what is not here yet is" +
			" answered with 503 and Retry-After.",
		Fails: []api.Code{api.NotFound, api.NotHereYet},
	}}
	GetValues = api.Stream[api.ValuesQuery]{Route: api.Route{
		ID: "artifactValues", Pattern: "GET /v1/artifacts/{sha256}/values", Scope: api.ScopeArtifacts,
		Media:   api.ValuesMedia,
		Summary: "The values of an X-ray image, or of a region of it, at full depth and without loss",
		Note:    "docs/console.md describes the form. What is not here yet is answered with 503 and Retry-After.",
		Fails:   []api.Code{api.BadRequest, api.NotFound, api.NotDrawable, api.NotHereYet},
	}}
	GetRegion = api.Stream[RegionQuery]{Route: api.Route{
		ID: "artifactRegion", Pattern: "GET /v1/artifacts/{sha256}/region", Scope: api.ScopeArtifacts,
		Media:   api.ValuesMedia,
		Summary: "A region of an X-ray image at full depth, from its lane while the image is still there",
		Note: "docs/console.md describes the form. The lane cuts the region and sends it before whole artifacts, as " +
			"fine as passes in time on its link; an answer has at most 1,048,576 values. A user has at most 3 such " +
			"requests under way, and a lane. Of an image that is here the answer is as that of values.",
		Fails: []api.Code{
			api.BadRequest, api.NotFound, api.TooLarge, api.NotDrawable, api.TooMany, api.NotHereYet, api.Unavailable,
		},
	}}
	GetArtifactState = api.Query[ArtifactName, *ledger.ArtifactState]{Route: api.Route{
		ID: "artifactState", Pattern: "GET /v1/artifacts/{sha256}/state", Scope: api.ScopeArtifacts,
		Summary: "How much of an artifact is here, and which observations name it", Fails: []api.Code{api.NotFound},
	}}
	PullArtifact = api.Action[ArtifactName, *ledger.ArtifactState]{Route: api.Route{
		ID: "pullArtifact", Pattern: "POST /v1/artifacts/{sha256}/pull", Scope: api.ScopeArtifacts, Audit: "pull",
		Summary: "Have an artifact sent before others",
		Note:    "200: it is here already. 202: asked for; agents that are away are asked when they are back.",
		Fails:   []api.Code{api.NotFound},
	}}
	RekeyAgent = api.Action[Rekey, api.Done]{Route: api.Route{
		ID: "rekeyAgent", Pattern: "POST /v1/agents/{site}/{agent}/rekey", Scope: api.ScopeAdmin, Audit: "rekey",
		Summary: "Take another key of an agent that has lost its own",
		Note: "The hub pins the first key that it sees of an agent and refuses others. Journals that it has keep the " +
			"key that signed them.",
		Fails: []api.Code{api.NotFound},
	}}
	Erase = api.Action[api.Erasure, api.Erased]{Route: api.Route{
		ID: "erase", Pattern: "POST /v1/erasures", Scope: api.ScopeAdmin, Audit: "erase",
		Summary: "Erase personal data from the ledger: of all rows that have a name, or that are from before a time",
		Note:    "Rows and proofs stay. Lanes keep theirs: what a lane erases is erased here, not the other way round.",
	}}
	TakeCarried = api.Stream[api.None]{Route: api.Route{
		ID: "takeCarried", Pattern: "POST /v1/carried", Scope: api.ScopeAdmin, Media: "text/plain",
		Body:    "application/x-tar",
		Summary: "Take in a file that `lanectl carry export` wrote at a lane",
		Note: "The answer is receipts, which the hub signs, for `lanectl carry import` at the lane. The same file " +
			"may be sent again; what also comes by a link is here once.",
	}}
	GetMetrics = api.Stream[api.None]{Route: api.Route{
		ID: "metrics", Pattern: "GET /metrics", Scope: api.ScopeFleet, Media: "text/plain",
		Summary: "Prometheus metrics, lanehub_…",
	}}
	GetHealth = api.Stream[api.None]{Route: api.Route{
		ID: "health", Pattern: "GET /healthz", Media: "text/plain",
		Summary: "Whether the hub does its work",
		Note:    "The text `ok`, or a problem while it does not accept what agents send, such as on a full disk.",
		Fails:   []api.Code{api.Unavailable},
	}}
	GetAuthority = api.Stream[api.None]{Route: api.Route{
		ID: "authority", Pattern: "GET /v1/authority", Media: "application/x-pem-file",
		Summary: "The certificate of the authority from which this hub issues certificates to agents",
		Note: "A box that has nothing but a code asks for it first and holds it against the code, before it trusts " +
			"this hub.",
		Fails: []api.Code{api.Unavailable},
	}}
	Enrol = api.Action[Enrolment, Enrolled]{Route: api.Route{
		ID: "enrol", Pattern: "POST /v1/enrolments", Open: true,
		Summary: "A certificate for an agent, for the code of an invitation",
		Note: "`lanehub ca invite` makes the code, `lanectl enroll` asks. A code is good for one key: whoever asks " +
			"again with the same key, because the answer got lost, gets the same certificate. Five wrong codes lock an address " +
			"out for a minute and longer (429), ten end an invitation.",
		Fails: []api.Code{api.BadRequest, api.NotDone, api.TooMany, api.Unavailable},
	}}
	GetOrders = api.Query[api.None, orders.Status]{Route: api.Route{
		ID: "orders", Pattern: "GET /v1/orders", Scope: api.ScopeFleet,
		Summary: "What is published for lanes, what waits for signatures, and until when it is good",
		Note:    "Which of it a lane has taken is in the feed, in events of kind orders.checked.",
	}}
	GetRollouts = api.Query[api.None, rollout.Book]{Route: api.Route{
		ID: "rollouts", Pattern: "GET /v1/rollouts", Scope: api.ScopeFleet,
		Summary: "Which bundles of configuration are being handed out, and which runs at each agent",
		Note: "From events of kind bundle.state. Agents are told of from the first rollout on; one that is not named " +
			"has said nothing of bundles since.",
	}}
)

// Operations returns the table of the hub's HTTP side.
func Operations() []api.Operation {
	return []api.Operation{
		&GetFeed, &GetAgents, &GetArtifact, &GetValues, &GetRegion, &GetArtifactState, &PullArtifact, &RekeyAgent, &Erase,
		&TakeCarried,
		&GetMetrics, &GetHealth,
		&GetAuthority, &Enrol, &GetOrders, &GetRollouts, &SendCommand, &GetCommands,
		&GetPassages, &GetPassage, &GetDecisions, &GetLanes, &GetTransits,
		&GetCases, &GetCase, &GetCasesCSV, &PostCaseEvent, &PostCasePhoto, &GetCasePhoto, &GetLooks,
		&GetReport, &ExportReport,
		&GetFleet, &GetFleetChanges, &GetFleetAgent,
		&GetSenders, &TestSender,
		&GetSession, &PostSession, &DeleteSession, &SignOn, &SignOnBack,
	}
}
