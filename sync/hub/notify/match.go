package notify

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/ledger"
)

// parseHours returns the hours of a rule, in its zone.
func parseHours(r *Rule) (hoursOf, error) {
	h, err := firmwareconfig.ParseHours(r.Hours)
	if err != nil {
		return nil, err
	}
	zone := r.zone()
	return func(t time.Time) bool { return h.Include(t.In(zone)) }, nil
}

// namedLane returns the lane that the body of an event names, as those of passages, decisions and cases do; "" for none.
func namedLane(e *ledger.Event) string {
	var body observation.Body
	if proto.Unmarshal(e.Body, &body) != nil || body.Typed() == nil {
		return ""
	}
	m := body.Typed().ProtoReflect()
	f := m.Descriptor().Fields().ByName("lane")
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.Get(f).String()
}
