package diag

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plc"
	"lanewarden/drivers/vehicle/scale"
)

var begin = time.Date(2026, 11, 25, 3, 12, 0, 0, time.UTC)

func at(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }

func tape(t *testing.T, records ...transport.Record) string {
	dir := t.TempDir()
	tape := transport.OpenTape(dir, 1<<20)
	for _, r := range records {
		tape.Record(r)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func conn(n byte, text string) []byte { return append([]byte{0, 0, 0, n}, text...) }

func TestTakeBeginsWhereNothingIsUnderWay(t *testing.T) {
	const begin = -2 * float64(LeadIn/time.Second)
	dir := tape(t,
		transport.Record{At: at(begin), Kind: transport.RecordOpen, Data: []byte("192.0.2.9:1601")},
		transport.Record{At: at(begin + 1), Kind: transport.RecordIn, Data: []byte("old")},
		transport.Record{At: at(begin + 1), Kind: transport.RecordSettled},
		transport.Record{At: at(begin + 2), Kind: transport.RecordIn, Data: []byte("half")},
		transport.Record{At: at(1), Kind: transport.RecordDocument, Data: []byte("before")},
		transport.Record{At: at(2), Kind: transport.RecordConnOpen, Data: conn(1, "a>b")},
		transport.Record{At: at(2), Kind: transport.RecordConnOpen, Data: conn(2, "a>b")},
		transport.Record{At: at(2), Kind: transport.RecordConnClose, Data: conn(2, "")},
		transport.Record{At: at(3), Kind: transport.RecordIn, Data: []byte("lead")},
		transport.Record{At: at(5), Kind: transport.RecordIn, Data: []byte("whole")},
		transport.Record{At: at(9), Kind: transport.RecordIn, Data: []byte("later")},
	)
	got, err := Take(dir, at(4), at(8))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range got {
		text += string(r.Data) + ","
	}
	if want := "192.0.2.9:1601,half,lead,\x00\x00\x00\x01a>b,whole,"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func recording(t *testing.T, records ...transport.Record) *Recording {
	got, err := Take(tape(t, records...), at(-60), at(3600))
	if err != nil {
		t.Fatal(err)
	}
	o := observation.New(observation.Class_CLASS_EVENT, at(1), &observation.DeviceFault{Reason: "r"})
	return &Recording{About: About{Device: "scale-1", Driver: "scale", From: at(-60), To: at(3600)}, Records: got, Observed: []*observation.Observation{o}}
}

func TestWriteRead(t *testing.T) {
	r := recording(t, transport.Record{At: at(0), Kind: transport.RecordIn, Data: []byte("x")})
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if _, err := Read(bytes.NewReader([]byte("plain text"))); err == nil {
		t.Error("a file that is no recording was read")
	}
}

func scaleFrames(kg ...float64) (out []transport.Record) {
	out = append(out, transport.Record{At: at(0), Kind: transport.RecordOpen, Data: []byte("192.0.2.9:1702")})
	for i, w := range kg {
		for j := range 10 {
			out = append(out, transport.Record{At: at(float64(i) + float64(j)/10), Kind: transport.RecordIn, Data: scale.Encode(scale.Frame{Kg: w}, false)})
		}
	}
	return out
}

// A replay observes what the bytes say, ends where the recording does, and what is under way then is not closed.
func TestReplayStream(t *testing.T) {
	frames := scaleFrames(0, 5000, 5000, 0, 0, 7000)
	r := recording(t, frames[:len(frames)-7]...) // the last weight is not stable yet
	obs, err := Replay(t.Context(), scale.Spec, &scale.Config{Link: transport.Link{Address: "192.0.2.9:1702"}, MinKg: 300, Stable: 5, AxleGap: time.Hour}, r)
	if err != nil {
		t.Fatal(err)
	}
	var weights []float64
	for _, o := range obs {
		if w := o.Body.GetVehicleWeight(); w != nil {
			weights = append(weights, w.Kg)
		}
	}
	if len(weights) != 1 || weights[0] != 5000 {
		t.Errorf("weights %v of %v", weights, obs)
	}
}

func TestReplayRefuses(t *testing.T) {
	r := recording(t, transport.Record{At: at(0), Kind: transport.RecordIn, Data: []byte("x")})
	if _, err := Replay(t.Context(), plc.Spec, &plc.Config{}, r); err == nil {
		t.Error("a driver that sets outputs was run")
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		for _, e := range left {
			if bytes.HasPrefix([]byte(e.Name()), []byte("lanewarden-replay-")) {
				t.Errorf("%s was left behind", e.Name())
			}
		}
	}
}

func TestCompare(t *testing.T) {
	one := func(s float64, key, reason string) *observation.Observation {
		o := observation.New(observation.Class_CLASS_EVENT, at(s), &observation.DeviceFault{Reason: reason})
		o.Key = key
		return o
	}
	r := &Recording{About: About{From: at(0), To: at(100)}, Observed: []*observation.Observation{
		one(1, "edge", "journalled of bytes before"), one(10, "a", "x"), one(20, "b", "x"), one(30, "c", "x"), one(101, "late", "x"),
	}}
	got := ""
	for _, m := range r.Compare([]*observation.Observation{one(10, "a", "x"), one(20, "b", "y"), one(40, "d", "x"), one(-5, "lead-in", "x")}) {
		switch {
		case m.Same():
			got += "same "
		case m.Replayed == nil:
			got += "recorded "
		case m.Recorded == nil:
			got += "replayed "
		default:
			got += "different "
		}
	}
	if got != "same different recorded replayed " {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	r := Recording{About: About{Device: "d"}, Records: []transport.Record{{At: at(0), Kind: transport.RecordConnIn, Data: conn(1, "x")}}}
	if err := r.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := Read(bytes.NewReader(in)); err != nil {
			t.Log(err)
		}
	})
}
