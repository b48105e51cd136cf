package hubapi

import (
	"time"

	"lanewarden/edge/api"
)

// Command is the request of POST /v1/commands: a command that its commander has signed (docs/orders.md).
type Command struct {
	Order     string `json:"order"`     // lanewarden.wire.v1.Order, base64
	Signature string `json:"signature"` // base64
	Key       string `json:"key"`       // name of the commander
}

// CommandState is a command that its agent has not said to have.
type CommandState struct {
	ID       string    `json:"id"` // hex, as in events of kinds order.received and order.result
	Site     string    `json:"site"`
	Agent    string    `json:"agent"`
	Order    string    `json:"order"` // kind: reboot
	Key      string    `json:"key"`   // name of the commander
	Sequence uint64    `json:"sequence"`
	NotAfter time.Time `json:"not_after"` // it is sent again until then
}

// The operations about commands.
var (
	SendCommand = api.Action[Command, CommandState]{Route: api.Route{
		ID: "sendCommand", Pattern: "POST /v1/commands", Scope: api.ScopeCommands, Audit: "command",
		Summary: "Send a signed command to an agent, again until the agent has it",
		Note: "What becomes of it is in the feed: order.received says accepted or refused, order.result what came of it. " +
			"The hub cannot make or change a command: `lanehub command send` signs it with the commander's key.",
	}}
	GetCommands = api.Query[api.None, []CommandState]{Route: api.Route{
		ID: "commands", Pattern: "GET /v1/commands", Scope: api.ScopeFleet,
		Summary: "Commands that their agents have not said to have",
	}}
)
