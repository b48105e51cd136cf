// Package diag is what a technician finds faults with: recordings of what passed between a device and the agent,
// which go in from the black-box tapes and come out as files for Wireshark, or as what a driver observes of them in a
// sandbox. docs/diagnosis.md.
package diag

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// About describes what was recorded: of what, when, and with which configuration the driver ran.
type About struct {
	Site     string    `json:"site"`
	Agent    string    `json:"agent"`
	Software string    `json:"software"`
	Device   string    `json:"device"`
	Driver   string    `json:"driver"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Config   string    `json:"config"` // the lane file: it holds no secrets
}

// Recording is a device's raw bytes of some time, and what the agent journalled of the device then.
type Recording struct {
	About    About
	Records  []transport.Record // in the order of the tape
	Observed []*observation.Observation
}

// MaxBytes bounds the bytes of a recording, which is held in memory.
const MaxBytes = 256 << 20

// CommitTime bounds the delay between an observation's bytes and its row: a recording holds what was journalled until
// so long after its end.
const CommitTime = 2 * time.Second

// LeadIn is the time before the beginning of a recording from which a stream's bytes are included,
// so that a driver knows by then what is usual: the background of a portal, an empty scale.
const LeadIn = time.Minute

// Take reads the records of a device's tape folder between two times, both included. A stream's
// bytes begin LeadIn earlier, at a point at which nothing was under way, and the openings of
// connections that were open at the time are there. Over MaxBytes is an error that asks for a
// shorter time.
func Take(dir string, from, to time.Time) ([]transport.Record, error) {
	s := slice{from: from}
	err := transport.ReadTape(dir, func(r transport.Record) error {
		switch {
		case r.At.Before(from.Add(-LeadIn)) || r.At.Before(from) && !ofStream(r):
			s.before(r)
			return nil
		case r.At.After(to):
			return nil
		}
		return s.add(r)
	})
	return s.records, err
}

// ofStream reports whether a record is of a stream that a driver reads.
func ofStream(r transport.Record) bool {
	switch r.Kind {
	case transport.RecordOpen, transport.RecordIn, transport.RecordOut, transport.RecordClose, transport.RecordSettled:
		return true
	}
	return false
}

// slice gathers the records of a time while a tape is read from its beginning.
type slice struct {
	from    time.Time
	stream  *transport.Record           // the stream's opening
	open    map[uint32]transport.Record // openings of connections
	lead    []transport.Record          // since nothing was under way
	begun   bool                        // the lead-in
	inside  bool                        // the time itself
	records []transport.Record
	bytes   int
}

// before follows what is open at a record before the time: only the state counts, not the bytes.
func (s *slice) before(r transport.Record) {
	switch r.Kind {
	case transport.RecordOpen:
		s.stream, s.lead = &r, nil
	case transport.RecordClose:
		s.stream, s.lead = nil, nil
	case transport.RecordSettled:
		s.lead = nil
	case transport.RecordIn, transport.RecordOut:
		s.lead = append(s.lead, r)
	case transport.RecordConnOpen:
		if s.open == nil {
			s.open = map[uint32]transport.Record{}
		}
		s.open[connection(r)] = r
	case transport.RecordConnClose:
		delete(s.open, connection(r))
	}
}

// add adds a record of the time, or of the lead-in. Before the first one come the stream's opening
// and what it said since it was last settled; before the first within the time, the openings of
// connections.
func (s *slice) add(r transport.Record) error {
	if !s.begun {
		s.begun = true
		if s.stream != nil {
			s.records = append(s.records, *s.stream)
		}
		s.records = append(s.records, s.lead...)
	}
	if !s.inside && !r.At.Before(s.from) {
		s.inside = true
		s.records = append(s.records, slices.SortedFunc(maps.Values(s.open), func(a, b transport.Record) int { return a.At.Compare(b.At) })...)
	}
	if s.bytes += len(r.Data); s.bytes > MaxBytes {
		return message.Errorf("recording.large", message.Int("mebibytes", MaxBytes>>20),
			message.String("by", r.At.Format(time.RFC3339)))
	}
	s.records = append(s.records, r)
	return nil
}

// connection returns the number of the connection that a record belongs to.
func connection(r transport.Record) uint32 {
	n, _ := transport.Connection(r)
	return n
}

// Write writes a recording in the format of tapes (docs/tape.md), with what it is of in front and
// the observations at the end.
func (r *Recording) Write(w io.Writer) error {
	if _, err := io.WriteString(w, transport.TapeMagic); err != nil {
		return err
	}
	about, err := json.Marshal(r.About)
	if err != nil {
		return err
	}
	write := func(one transport.Record) error {
		_, err := w.Write(transport.AppendRecord(nil, one))
		return err
	}
	if err := write(transport.Record{At: r.About.From, Kind: transport.RecordAbout, Data: about}); err != nil {
		return err
	}
	for _, one := range r.Records {
		if err := write(one); err != nil {
			return err
		}
	}
	for _, o := range r.Observed {
		data, err := proto.Marshal(o)
		if err != nil {
			return err
		}
		if err := write(transport.Record{At: time.Unix(0, o.TimeNs), Kind: transport.RecordObserved, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

// Read reads a recording that Write has written. A tape that does not say what it is of is an
// error, and so is one that is larger than a recording can be.
func Read(in io.Reader) (*Recording, error) {
	out, size := &Recording{}, 0
	err := transport.ReadSegment(in, func(r transport.Record) error {
		if size += len(r.Data); size > 2*MaxBytes {
			return message.Errorf("recording.too-large", message.Int("mebibytes", 2*MaxBytes>>20))
		}
		switch r.Kind {
		case transport.RecordAbout:
			return json.Unmarshal(r.Data, &out.About)
		case transport.RecordObserved:
			o := &observation.Observation{}
			if err := proto.Unmarshal(r.Data, o); err != nil {
				return err
			}
			out.Observed = append(out.Observed, o)
			return nil
		}
		out.Records = append(out.Records, r)
		return nil
	})
	if err == nil && out.About.Device == "" {
		err = message.Errorf("recording.of-nothing")
	}
	return out, err
}
