package notify

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger"
)

// accountFields are the fields, by message, that name who did something: accounts, commanders, addresses. Lane and hub keep
// them unsealed; they go outside only by a rule that says so.
var accountFields = map[protoreflect.Name][]protoreflect.Name{
	"AgentAccess":       {"user", "peer"},
	"CaseEvent":         {"by"},
	"ClearanceDecision": {"overridden_by"},
	"ClearanceOverride": {"by"},
	"DeviceMaintenance": {"by"},
	"DeviceTest":        {"by"},
	"OrderReceived":     {"commander"},
	"PassageCorrected":  {"by"},
	"PassageReading":    {"pinned_by"},
}

// WithoutNames returns an event without what names a person or a vehicle: what the schema marks as personal, names of
// accounts, and plates of the passages that it belongs to. word stands in texts in place of a value; "" leaves them out. A
// body that cannot be decoded is left out whole.
func WithoutNames(e *ledger.Event, word string) ledger.Event {
	out := *e
	out.Plate, out.Other.Plate = "", ""
	out.Body = nil
	public, _, err := personal.Split(e.Kind, e.Body)
	if err != nil {
		return out
	}
	if public, err = personal.Erased(e.Kind, public, word); err != nil {
		return out
	}
	var body observation.Body
	if proto.Unmarshal(public, &body) != nil {
		return out
	}
	clearAccounts(body.ProtoReflect(), word)
	if body.Kind() == observation.Kind_KIND_UNSPECIFIED { // of a newer version: nothing is known of its fields
		return out
	}
	out.Body, _ = proto.Marshal(&body) // nil when it cannot be encoded
	return out
}

// clearAccounts puts a word in place of the names of accounts in a message and in those in it.
func clearAccounts(m protoreflect.Message, word string) {
	m.SetUnknown(nil)
	for _, name := range accountFields[m.Descriptor().Name()] {
		if f := m.Descriptor().Fields().ByName(name); m.Has(f) {
			if m.Clear(f); word != "" {
				m.Set(f, protoreflect.ValueOfString(word))
			}
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				clearAccounts(v.List().Get(i).Message(), word)
			}
		default:
			clearAccounts(v.Message(), word)
		}
		return true
	})
}
