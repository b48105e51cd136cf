package webjson

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// session is one run of the driver. Documents may be posted side by side: mu guards last, and faults locks itself.
type session struct {
	*device
	sink   driver.Sink
	faults driver.FaultLog

	mu   sync.Mutex
	last map[string]reported // by message: what was reported last, of messages without ids
}

// reported is the last committed state of a message that the device does not name.
type reported struct {
	values string
	alarm  bool
	at     time.Time // when it was last reported
}

// commit decodes a document and makes what is new of it durable. name is the artifact's, source the device's address
// for faults. What cannot be read is reported as a fault, and is an error when nothing could be read of a posted
// document. An error of the journal leaves the document as new as it was.
func (s *session) commit(ctx context.Context, name, source string, doc []byte) error {
	at := s.env.Arrived(name, doc)
	readings, bad := Decode(s.Profile.Value, doc)
	var obs []*observation.Observation
	s.mu.Lock()
	before := maps.Clone(s.last)
	for i := range readings {
		obs = append(obs, s.changes(at, &readings[i])...)
	}
	s.mu.Unlock()
	err := s.storeDocument(ctx, name, doc, obs)
	if err == nil {
		err = driver.CommitAny(ctx, s.sink, obs)
	}
	if err != nil {
		s.mu.Lock()
		s.last = before // the device sends it again, and it is new then
		s.mu.Unlock()
		return err
	}
	if len(readings) > 0 {
		s.sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
	}
	if bad == nil {
		return nil
	}
	if err := s.faults.Report(ctx, s.sink, message.Of(bad), source, doc); err != nil {
		return err
	}
	if len(readings) == 0 && s.HTTP != nil {
		return &transport.BadFileError{Err: bad}
	}
	return nil
}

// storeDocument stores a document that was posted whole, and names it in what was made of it. Answers to questions are not kept:
// a device gives thousands of them a day.
func (s *session) storeDocument(ctx context.Context, name string, doc []byte, obs []*observation.Observation) error {
	if s.HTTP == nil || len(obs) == 0 {
		return nil
	}
	a, err := s.sink.StoreArtifact(ctx, bytes.NewReader(doc), "application/json", name)
	if err != nil {
		return err
	}
	for _, o := range obs {
		o.Body.Artifacts = []*observation.Artifact{a}
	}
	return nil
}

// changes returns what is to be committed of a reading: all of one that the device names, changes and beginning
// alarms of the others, and now and then (Config.Report) their values as telemetry. The caller holds mu.
func (s *session) changes(at time.Time, r *Reading) []*observation.Observation {
	class := observation.Class_CLASS_EVENT
	if !r.Alarm.IsZero() {
		class = observation.Class_CLASS_ALARM
	}
	if r.ID != "" {
		return []*observation.Observation{s.observe(at, r, class)}
	}
	now := reported{values: words(r.Values), alarm: !r.Alarm.IsZero(), at: at}
	before, known := s.last[r.Message.Name]
	switch {
	case r.Message.Each != "": // members of a list have no names: each is reported
	case known && now.values == before.values && at.Sub(before.at) < s.Report:
		return nil
	case known && now.values == before.values:
		class = observation.Class_CLASS_TELEMETRY
	case known && now.alarm && before.alarm:
		class = observation.Class_CLASS_EVENT // it was an alarm before
	}
	s.last[r.Message.Name] = now
	return []*observation.Observation{s.observe(at, r, class)}
}

// observe makes the observation of a reading: a vehicle.reading where the profile says vehicle, else a
// device.reading. Its time is the device's, else that of arrival. With an id, the key is id and content, so that a
// repeat adds nothing.
func (s *session) observe(at time.Time, r *Reading, class observation.Class) *observation.Observation {
	when := at
	if !r.At.IsZero() {
		when = r.At
	}
	values := make([]*observation.Quantity, 0, len(r.Values))
	for _, v := range r.Values {
		values = append(values, v.Quantity(""))
	}
	var o *observation.Observation
	if r.Message.Vehicle {
		o = observation.New(class, when, &observation.VehicleReading{Name: r.Message.Name,
			Values: values, Alarm: r.Alarm.English(), AlarmMessage: driver.EncodeMessage(r.Alarm)})
	} else {
		o = observation.New(class, when, &observation.DeviceReading{
			Profile: s.Profile.Value.Name, Message: r.Message.Name, Values: values,
			Alarm: r.Alarm.English(), AlarmMessage: driver.EncodeMessage(r.Alarm),
		})
	}
	if !r.At.IsZero() {
		o.Body.DeviceTimeNs = r.At.UnixNano()
	}
	if r.ID != "" {
		o.Key = driver.Key(r.Message.Name+" "+shortened(r.ID), []byte(r.Raw))
		return o
	}
	driver.SetKey(o, fmt.Sprintf("%s@%d", r.Message.Name, at.UnixNano()))
	return o
}

// maxID bounds what a key keeps of the device's name of a result; the digest behind it tells longer ones apart.
const maxID = 128

func shortened(id string) string { return id[:min(len(id), maxID)] }

// words returns values as one text, for comparison; their order does not matter.
func words(values []profile.Value) string {
	var all []string
	for _, v := range values {
		all = append(all, v.Name+"="+v.Text)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
