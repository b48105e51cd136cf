package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

// Every built-in scenario has a lane whose devices can all be simulated.
func TestScenariosHaveLanes(t *testing.T) {
	for _, name := range firmwareconfig.Builtin(firmwareconfig.Scenarios) {
		t.Run(name, func(t *testing.T) {
			text, err := laneFile(name)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "lane.yaml")
			if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(" .run/"), []byte(" "+t.TempDir()+"/")), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := firmwareconfig.Load(path, drivers.Catalog)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conduct(name, cfg, 1, 12*time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
}
