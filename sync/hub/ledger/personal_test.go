package ledger

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// secretPlate is a plate that no test has elsewhere.
const secretPlate = "QZKX482"

// readPlate commits a read of secretPlate at a lane, and the passage that it opens.
func readPlate(t *testing.T, from lane) {
	t.Helper()
	read := observation.New(events, time.Unix(1, 0), &observation.VehiclePlate{
		Plate: secretPlate, Normal: secretPlate, Skeleton: secretPlate, Camera: "cam", Confidence: 0.9,
	})
	read.Device, read.Key = "lpr-1", secretPlate+"/1"
	read.Body.Artifacts = []*observation.Artifact{{Sha256: bytes.Repeat([]byte{1}, 32), Size: 5, Name: secretPlate + ".jpg"}}
	opened := observation.New(events, time.Unix(2, 0), &observation.PassageOpened{Id: "p1", Readings: []*observation.PassageReading{{
		Idx: from.j.Size(), Device: "lpr-1", Kind: uint32(observation.Kind_KIND_VEHICLE_PLATE), Confidence: 1,
		Reason: "plate " + secretPlate,
	}}})
	opened.Device = observation.AgentDevice
	closed := observation.New(events, time.Unix(3, 0), &observation.PassageClosed{Id: "p1", Plate: secretPlate})
	closed.Device = observation.AgentDevice
	if _, err := from.j.Commit(t.Context(), read, opened, closed); err != nil {
		t.Fatal(err)
	}
}

// fileAll files everything of a lane's journal.
func (l lane) fileAll(in *Ledger) {
	l.t.Helper()
	apply(l.t, in, l.hello())
	for _, class := range observation.Classes {
		apply(l.t, in, l.batch(class, -1, 1000))
	}
}

// TestNoPlateInTheLedger: no file of the ledger has a plate that came, while the feed has it, and its evidence is
// verified.
func TestNoPlateInTheLedger(t *testing.T) {
	sqliteOnly(t, "its files are read")
	dir, from := t.TempDir(), newLane(t, 20)
	readPlate(t, from)
	l := open(t, dir)
	from.fileAll(l)
	files, err := filepath.Glob(filepath.Join(dir, FileName+"*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(secretPlate)) {
			t.Errorf("%s has %s", filepath.Base(path), secretPlate)
		}
	}
	found, err := l.Events(0, 1000, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for _, e := range found {
		var body observation.Body
		if e.Kind != observation.Kind_KIND_VEHICLE_PLATE {
			continue
		}
		if err := proto.Unmarshal(e.Body, &body); err == nil && body.GetVehiclePlate().GetNormal() == secretPlate && e.Plate == secretPlate {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("the feed has the plate %d times", reads)
	}
	state, err := l.Artifact(bytes.Repeat([]byte{1}, 32))
	if err != nil || len(state.Rows) != 1 || state.Rows[0].Name != secretPlate+".jpg" {
		t.Errorf("the artifact is %+v, %v", state, err)
	}
	mustVerify(t, dir, from.j.Size())
}

// mustVerify audits the only journal of a ledger.
func mustVerify(t *testing.T, dir string, rows int64) {
	t.Helper()
	audited, err := Audit(t.Context(), place(dir), "")
	if err != nil || len(audited) != 1 || !audited[0].Report.OK() || audited[0].Report.Rows != rows {
		t.Errorf("audit %+v, %v", audited, err)
	}
}

// TestErasuresReachTheLedger: what a lane erased is gone here too, from rows, passages and the log; rows and proofs
// stay.
func TestErasuresReachTheLedger(t *testing.T) {
	dir, from := t.TempDir(), newLane(t, 20)
	readPlate(t, from)
	l := open(t, dir)
	from.fileAll(l)
	last := from.j.Last(events)
	if done, err := from.j.EraseName(t.Context(), secretPlate); err != nil || done.Rows != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	apply(t, l, from.batch(events, last, 1000))
	if n, err := sqlOf(l).Int("SELECT count(*) FROM observation WHERE sealed IS NOT NULL AND idx BETWEEN 20 AND 22", 0); n != 0 || err != nil {
		t.Errorf("%d rows still have values, %v", n, err)
	}
	for _, table := range []string{"passage", "passage_reading"} {
		if n, err := sqlOf(l).Int("SELECT count(*) FROM "+table+" WHERE plate<>''", 0); n != 0 || err != nil {
			t.Errorf("%s has %d plates, %v", table, n, err)
		}
	}
	found, err := l.Events(0, 1000, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if bytes.Contains(e.Body, []byte(secretPlate)) || e.Plate != "" {
			t.Errorf("%s still has the plate", e.Kind.Name())
		}
	}
	if info, err := os.Stat(filepath.Join(dir, FileName+"-wal")); !onPostgres && (err != nil || info.Size() != 0) {
		t.Errorf("the log has %v, %v", info, err)
	}
	mustVerify(t, dir, from.j.Size())
}

// TestErasingLeavesWhatOthersShow: an agent that names another's artifact in a read and erases that removes nothing.
func TestErasingLeavesWhatOthersShow(t *testing.T) {
	l, owner := open(t, t.TempDir()), newLane(t, 20)
	data, sum := owner.keep(3000)
	owner.fileAll(l)
	held(t, l, owner.chunk(sum, data, 0, len(data)))
	thief := newLane(t, 20)
	read := observation.New(events, time.Unix(1, 0), &observation.VehiclePlate{Plate: secretPlate, Normal: secretPlate})
	read.Device = "lpr-1"
	read.Body.Artifacts = []*observation.Artifact{{Sha256: sum, Size: int64(len(data))}}
	if _, err := thief.j.Commit(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	thief.fileAll(l)
	last := thief.j.Last(events)
	if done, err := thief.j.EraseName(t.Context(), secretPlate); err != nil || done.Rows != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	apply(t, l, thief.batch(events, last, 1000))
	if _, err := l.OpenArtifact(sum); err != nil {
		t.Errorf("the artifact is gone: %v", err)
	}
}

// drawn has a lane journal an act in a case with a box, whose label names somebody, and its report of that.
func drawn(t *testing.T, from lane) (data, report []byte) {
	t.Helper()
	data = bytes.Repeat([]byte("TDR"), 1000)
	file, err := from.j.StoreArtifact(t.Context(), bytes.NewReader(data), "application/dicom", "p-tdr.dcs")
	if err != nil {
		t.Fatal(err)
	}
	sum := file.Sha256
	box := observation.New(events, time.Unix(1, 0), &observation.CaseEvent{
		Id: "p", By: "ana", Key: "k", Attachments: []*observation.CaseAttachment{{Sha256: sum, Boxes: []*observation.CaseBox{
			{Label: secretPlate, X: []float32{1, 2}, Y: []float32{1, 2}},
		}}},
	})
	box.Device, box.Key = observation.AgentDevice, "case p"
	row := from.j.Size()
	key := observation.ReportKey(from.j.Identity().ID, row)
	made := observation.New(events, time.Unix(2, 0), &observation.CaseEvent{
		Id: "p", By: "lane", Role: "lane", Key: key, Attachments: []*observation.CaseAttachment{{Sha256: sum, Row: row}},
	})
	made.Device, made.Key = observation.AgentDevice, "case "+key
	made.Body.Artifacts = []*observation.Artifact{file}
	if _, err := from.j.Commit(t.Context(), box, made); err != nil {
		t.Fatal(err)
	}
	return data, sum
}

// TestErasedLabelTakesItsReport: with a label that a person wrote at a box goes the report that has it, whether the lane or
// the hub erases it.
func TestErasedLabelTakesItsReport(t *testing.T) {
	for name, atHub := range map[string]bool{"at the lane": false, "at the hub": true} {
		t.Run(name, func(t *testing.T) {
			l, from := open(t, t.TempDir()), newLane(t, 20)
			data, sum := drawn(t, from)
			from.fileAll(l)
			held(t, l, from.chunk(sum, data, 0, len(data)))
			if _, err := l.OpenArtifact(sum); err != nil {
				t.Fatal(err)
			}
			last := from.j.Last(events)
			if atHub {
				page := &ErasePage{}
				for !page.Done {
					if _, err := l.Apply([]Message{Erase{Name: secretPlate, After: page.After, Page: page}}); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				if done, err := from.j.EraseName(t.Context(), secretPlate); err != nil || done.Rows != 2 || done.Artifacts != 1 {
					t.Fatalf("%+v, %v", done, err)
				}
				apply(t, l, from.batch(events, last, 1000))
			}
			if _, err := l.OpenArtifact(sum); err == nil {
				t.Error("the report is there")
			}
		})
	}
}

// TestErasedRows: what a row declares erased is listed up to the most that an agent declares in one, whatever it says.
func TestErasedRows(t *testing.T) {
	for want, e := range map[string]*observation.AgentErased{
		"[]":      {},
		"[5 6 9]": observation.NewAgentErased([]int64{5, 6, 9}, 0),
		"[7]":     {First: 7, Runs: []uint64{1, 3}},
		"[1 2]":   {First: 1, Runs: []uint64{2, 0, 0, math.MaxUint64}},
		"[-1 0]":  {First: -1, Runs: []uint64{2}},
	} {
		if got := fmt.Sprint(erasedRows(e)); got != want {
			t.Errorf("%v is %s, not %s", e, got, want)
		}
	}
	for _, e := range []*observation.AgentErased{
		{First: 0, Runs: []uint64{math.MaxInt64}}, {First: 0, Runs: slices.Repeat([]uint64{1}, 1<<20)},
	} {
		if n := len(erasedRows(e)); n != observation.MaxErased {
			t.Errorf("%d rows", n)
		}
	}
}

// TestEraseAtTheHub: a name or an age is erased at the hub alone, page by page.
func TestEraseAtTheHub(t *testing.T) {
	for name, ask := range map[string]Erase{
		"a name": {Name: secretPlate}, "an age": {Before: time.Unix(1000, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			dir, from := t.TempDir(), newLane(t, 20)
			readPlate(t, from)
			l := open(t, dir)
			from.fileAll(l)
			ask.Page = &ErasePage{}
			rows := int64(0)
			for !ask.Page.Done {
				ask.After = ask.Page.After
				if _, err := l.Apply([]Message{ask}); err != nil {
					t.Fatal(err)
				}
				rows += ask.Page.Rows
			}
			if rows != 3 {
				t.Errorf("%d rows were erased", rows)
			}
			if n, err := sqlOf(l).Int("SELECT count(*) FROM passage WHERE plate<>''", 0); n != 0 || err != nil {
				t.Errorf("%d passages have plates, %v", n, err)
			}
			mustVerify(t, dir, from.j.Size())
		})
	}
}

// TestRowsAsTheyWereHashed: an agent sends a hub rows without their values when these are erased, or when the hub
// does not say that it takes them. They are verified like others.
func TestRowsAsTheyWereHashed(t *testing.T) {
	dir, from := t.TempDir(), newLane(t, 20)
	readPlate(t, from)
	l := open(t, dir)
	apply(t, l, from.hello())
	for _, class := range observation.Classes {
		rows, err := from.j.ReadClass(class, -1, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var out []wire.Row
		for i := range rows {
			out = append(out, wire.RowOf(&rows[i], false))
		}
		apply(t, l, Batch{laneOne, wire.NewBatch(from.j.Identity().ID, class, -1, out)})
	}
	mustVerify(t, dir, from.j.Size())
	found, err := l.Events(0, 1000, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		var body observation.Body
		if e.Kind != observation.Kind_KIND_VEHICLE_PLATE {
			continue
		}
		if err := proto.Unmarshal(e.Body, &body); err != nil || body.GetVehiclePlate().GetNormal() != "erased" || e.Plate != "" {
			t.Errorf("%v with plate %q, %v", &body, e.Plate, err)
		}
	}
}

// TestLedgerOfBefore: a ledger from before values were sealed keeps its rows and proofs; its artifact can be read,
// and the plates in its tables of passages are sealed.
func TestLedgerOfBefore(t *testing.T) {
	sqliteOnly(t, "no ledger in PostgreSQL is so old")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/before-sealing")); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir, 2) // by a reader, before a hub of this version ran
	l := open(t, dir)
	found, err := l.Events(0, 10, Filter{})
	if err != nil || len(found) != 2 || found[0].Plate != secretPlate {
		t.Fatalf("%+v, %v", found, err)
	}
	named, err := observation.ArtifactsIn(found[0].Body)
	if err != nil || len(named) != 1 {
		t.Fatal(named, err)
	}
	reader, err := l.OpenArtifact(named[0].Sha256)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, named[0].Size)
	if _, err := reader.ReadAt(text, 0); err != nil || string(text) != `{"plate":"QZKX482"}` {
		t.Errorf("%q, %v", text, err)
	}
	for _, table := range []string{"passage", "passage_reading"} {
		if n, err := sqlOf(l).Int("SELECT count(*) FROM "+table+" WHERE plate LIKE ?", 0, "%"+secretPlate+"%"); n > 0 || err != nil {
			t.Errorf("%s has the plate in clear, %v", table, err)
		}
	}
	mustVerify(t, dir, 2)
}
