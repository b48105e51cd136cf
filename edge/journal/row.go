package journal

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
)

// Row is one observation as the journal keeps it.
type Row struct {
	Idx    int64 // place in the journal and leaf of its evidence log, from 0 without gaps
	Class  observation.Class
	Prev   int64 // row before this one of the same class: the hub finds a hole in a class by it
	Time   int64 // ns UTC
	Device string
	Kind   observation.Kind
	Key    string // "" for none
	Body   []byte // with its personal values, without those that are erased
	Salt   []byte // of the commitment to its personal values; nil when it has none, or they are erased
	Mask   []byte // which fields those are of (personal.Mask); nil likewise
	Erased bool   // its personal values are erased, or cannot be opened

	public    []byte                  // Body as it is stored and hashed; nil when that is Body itself
	sealed    []byte                  // its personal values as they are stored; nil for none
	content   []byte                  // those, opened (personal.Values.Content); of a row that was read
	column    string                  // Key as it is stored
	artifacts []*observation.Artifact // of a row on its way in
	alarmed   [][]byte                // artifacts, by SHA-256, that it shows to be of a vehicle with an alarm
}

// Record returns the row as the evidence log hashes it.
func (r *Row) Record() evidence.Record {
	return evidence.Record{Class: uint8(r.Class), Time: r.Time, Kind: uint16(r.Kind), Device: r.Device, Body: r.Public()}
}

// Public returns the body without its personal values, as it is hashed.
func (r *Row) Public() []byte {
	if r.public == nil {
		return r.Body
	}
	return r.public
}

// newRow checks an observation and encodes its body. The encoding is deterministic, but nothing relies on that: what
// was encoded once is kept, hashed and sent as bytes. Idx and Prev are given by the writer.
func newRow(o *observation.Observation, sealer *personal.Sealer) (Row, error) {
	kind := o.GetBody().Kind()
	wrong := func(err error) (Row, error) {
		return Row{}, message.Wrap(err, "journal.observation", message.Quoted("device", o.GetDevice()),
			message.String("kind", kind.Name()))
	}
	switch {
	case kind == observation.Kind_KIND_UNSPECIFIED:
		return wrong(message.Errorf("journal.no-body"))
	case o.Class < observation.Class_CLASS_ALARM || o.Class > observation.Class_CLASS_TELEMETRY:
		return wrong(message.Errorf("journal.class", message.Int("class", int(o.Class))))
	case o.Device == "" || len(o.Device) > evidence.MaxDeviceLen:
		return wrong(message.Errorf("journal.device-id", message.Int("most", evidence.MaxDeviceLen)))
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.Body)
	if err != nil { // a text that is no UTF-8: the row must not be refused for it, or its device sends it for ever
		valid := proto.CloneOf(o.Body)
		observation.ReplaceInvalidText(valid)
		body, err = proto.MarshalOptions{Deterministic: true}.Marshal(valid)
	}
	if err != nil {
		return wrong(err)
	}
	if len(body) > observation.MaxBodyBytes {
		return wrong(message.Errorf("journal.body", message.String("bytes", strconv.Itoa(len(body))),
			message.String("most", strconv.Itoa(observation.MaxBodyBytes))))
	}
	r := Row{
		Class: o.Class, Time: o.TimeNs, Device: o.Device, Kind: kind, Key: o.Key, column: o.Key, Body: body,
		artifacts: o.Body.Artifacts, alarmed: alarmed(o.Body),
	}
	return r, r.split(sealer)
}
