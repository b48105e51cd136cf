package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// drawDay fills a journal with a day of draws by the lane's own secret and by the centre's, and returns the latter. The
// lane reveals its own, and the centre's where the centre has revealed it. Each tenth vehicle is one that is selected: the
// lane's secret is another one each time, and would make a day in a hundred whose rate is out of its interval.
func drawDay(t *testing.T, dir string, revealed bool, change func(*observation.RandomDraw)) (centre []byte) {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	commit := func(o *observation.Observation) error {
		_, err := j.Commit(t.Context(), o)
		return err
	}
	secrets, err := draw.OpenSecrets(filepath.Join(dir, "draws"), []byte("key"), func(_ context.Context, o *observation.Observation) error {
		return commit(o)
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC)
	k := draw.NewKeeper(secrets)
	centre = bytes.Repeat([]byte{5}, draw.SecretSize)
	for i := range 400 {
		if i == 200 {
			if err := secrets.Add("2026-12-01", centre, nil); err != nil {
				t.Fatal(err)
			}
		}
		at := begin.Add(time.Duration(i) * time.Minute)
		var id [32]byte
		var d draw.Draw
		for n, found := 0, false; !found; n++ {
			presented := fmt.Sprint(at, n)
			id = draw.Identity([]string{"ccn:" + presented}, "1", "8080")
			if d, err = k.Draw(t.Context(), presented, id, at); err != nil {
				t.Fatal(err)
			}
			found = d.Value < 0.1 == (i%10 == 0)
		}
		row := &observation.RandomDraw{Identity: id[:], Value: d.Value, Rate: 0.1, Selected: d.Value < 0.1, Secret: d.Secret,
			DrawnS: d.Drawn.Unix()}
		if i == 10 || i == 390 {
			change(row)
		}
		o := observation.New(observation.Class_CLASS_EVENT, at, &observation.ClearanceDecision{Presentation: at.String(),
			NowNs: at.UnixNano(), Draw: row})
		o.Device, o.Key = observation.AgentDevice, at.String()
		if err := commit(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := secrets.Reveal(t.Context(), begin.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if revealed {
		if err := secrets.Revealed(t.Context(), "2026-12-01", centre, begin.AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	return centre
}

// runLanectl runs lanectl and returns what it prints.
func runLanectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := program()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.Execute()
	return out.String(), err
}

// A day is recomputed by the lane's own secret, which is in the journal, and by the centre's, which is given.
func TestAuditRandom(t *testing.T) {
	dir := t.TempDir()
	centre := drawDay(t, dir, false, func(*observation.RandomDraw) {})
	out, err := runLanectl(t, "audit", "random", "2026-12-01", dir)
	if err != nil || !strings.Contains(out, "OK random checks of 2026-12-01: 400 draws, 0 kept, in 400 rows") ||
		!strings.Contains(out, "200 rows cannot be recomputed") || !strings.Contains(out, "OK rate 10 %: ") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runLanectl(t, "audit", "random", "2026-12-01", dir, "--secret", hex.EncodeToString(centre))
	if err != nil || strings.Contains(out, "cannot be recomputed") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runLanectl(t, "audit", "random", "2026-12-02", dir)
	if err != nil || !strings.Contains(out, "0 draws") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Rows of the journal that say otherwise are named, though they are signed; so is another secret than the committed one.
func TestAuditRandomFinds(t *testing.T) {
	dir := t.TempDir()
	centre := drawDay(t, dir, false, func(r *observation.RandomDraw) { r.Value = 0.99; r.Selected = false })
	out, err := runLanectl(t, "audit", "random", "2026-12-01", dir, "--secret", hex.EncodeToString(centre))
	if err == nil || strings.Count(out, "the draw is 0.99, but ") != 2 || !strings.Contains(message.Of(err).English(), "2 findings") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runLanectl(t, "audit", "random", "2026-12-01", dir, "--secret", strings.Repeat("00", draw.SecretSize))
	if err == nil || !strings.Contains(out, "is not the one that was committed to here") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"1 December", dir}, {"2026-12-01", dir, "--secret", "00"}, {"2026-12-01", filepath.Join(dir, "none")}} {
		if out, err := runLanectl(t, append([]string{"audit", "random"}, args...)...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// fileInLedger files a lane's journal in a hub's ledger.
func fileInLedger(t *testing.T, lane, hub string) {
	t.Helper()
	j, err := journal.Open(filepath.Join(lane, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	l, err := ledger.Open(hub)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	id, from := j.Identity(), ledger.Sender{Site: "s", Agent: "a"}
	_, checkpoint := j.Checkpoint()
	rows, err := j.Next(observation.Class_CLASS_EVENT, -1, journal.Limits{Rows: 10_000, Bytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	var packed []wire.Row
	for i := range rows.Rows {
		packed = append(packed, wire.RowOf(&rows.Rows[i], true))
	}
	batch := wire.NewBatch(id.ID, observation.Class_CLASS_EVENT, -1, packed)
	batch.Checkpoint = checkpoint
	answers, err := l.Apply([]ledger.Message{ledger.Hello{From: from, Body: &wire.Hello{
		Journal: id.ID, Size: j.Size(), Checkpoint: checkpoint, BlindKey: id.BlindKey, Verifier: id.Verifier,
		Inventory: &observation.Inventory{}, Epoch: 1,
	}}, ledger.Batch{From: from, Body: batch}})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if a.Ack != nil && a.Ack.Refusal != wire.Refusal_REFUSAL_NONE {
			t.Fatal(a.Ack.RefusalText)
		}
	}
}

// What a lane's journal proves of a day, the ledger's rows prove alone: the same draws and the same findings.
func TestAuditRandomLedger(t *testing.T) {
	for name, change := range map[string]func(*observation.RandomDraw){
		"as drawn":      func(*observation.RandomDraw) {},
		"tampered with": func(r *observation.RandomDraw) { r.Value = 0.99; r.Selected = false },
	} {
		t.Run(name, func(t *testing.T) {
			lane, hub := t.TempDir(), t.TempDir()
			drawDay(t, lane, true, change)
			fileInLedger(t, lane, hub)
			atLane, wrong := runLanectl(t, "audit", "random", "2026-12-01", lane)
			atHub, err := runLanectl(t, "audit", "random", "2026-12-01", hub)
			if strings.Contains(atLane, "cannot be recomputed") || !strings.Contains(atLane, "400 draws") || (wrong == nil) != (name == "as drawn") {
				t.Errorf("%v\n%s", wrong, atLane)
			}
			origin, same, _ := strings.Cut(atHub, "\n")
			if same != atLane || (err == nil) != (wrong == nil) || !strings.Contains(origin, "lanewarden/s/a") {
				t.Errorf("%v\n%s", err, atHub)
			}
		})
	}
}
