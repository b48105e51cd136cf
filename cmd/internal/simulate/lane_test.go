package simulate

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
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

// Players of one device run at the same time and draw from one source: each number is drawn once.
func TestSharedSource(t *testing.T) {
	const players, draws = 4, 5000
	shared, alone := &sharedSource{source: rand.NewPCG(1, 2)}, rand.NewPCG(1, 2)
	want := map[uint64]bool{}
	for range players * draws {
		want[alone.Uint64()] = true
	}
	drawn := make([][]uint64, players)
	var all sync.WaitGroup
	for i := range drawn {
		all.Go(func() {
			for range draws {
				drawn[i] = append(drawn[i], shared.Uint64())
			}
		})
	}
	all.Wait()
	for _, numbers := range drawn {
		for _, n := range numbers {
			if !want[n] {
				t.Fatalf("%d is drawn twice, or not a number of the source", n)
			}
			delete(want, n)
		}
	}
}
