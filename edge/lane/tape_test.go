package lane

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"lanewarden/drivers/driver"
)

// The black box is worth less than the lane: a tape that cannot be opened costs the recording alone.
func TestDeviceRunsWithoutItsTape(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "tape") // a file where the folder of tapes should be
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spec := driver.New("script", "script", func(_ noSettings, env driver.Env) (driver.Driver, error) { return &script{}, nil })
	s, err := New(&journal{}, []Device{{ID: "dev-1", Spec: spec, Settings: &noSettings{}}}, Options{TapeDir: taken, TapeBytes: 1 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Devices()[0]; d.NoTape == "" || d.NoTapeMessage.EN != d.NoTape ||
		d.NoTapeMessage.FR == d.NoTape {
		t.Errorf("why nothing is recorded: %q, %+v", d.NoTape, d.NoTapeMessage)
	}
	if records, _ := s.Raw("dev-1", 0); len(records) > 0 {
		t.Errorf("%d records", len(records))
	}
}
