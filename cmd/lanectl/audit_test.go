package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance/draw"
)

// drawDay fills a journal with a day of draws by the lane's own secret and by the centre's, and returns the latter.
func drawDay(t *testing.T, dir string, change func(*observation.RandomDraw)) (centre []byte) {
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
			if err := secrets.Add("2026-12-01", centre); err != nil {
				t.Fatal(err)
			}
		}
		at := begin.Add(time.Duration(i) * time.Minute)
		id := draw.Identity([]string{"ccn:" + at.String()}, "1", "8080")
		d, err := k.Draw(t.Context(), at.String(), id, at)
		if err != nil {
			t.Fatal(err)
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
	centre := drawDay(t, dir, func(*observation.RandomDraw) {})
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
	centre := drawDay(t, dir, func(r *observation.RandomDraw) { r.Value = 0.99; r.Selected = false })
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
