package powercut

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/edge/bundle"
	"lanewarden/edge/journal"
	firmwareconfig "lanewarden/firmware-config"
)

// bundleVersions is how many bundles come, one after the other; the one before the last is given up.
const bundleVersions = 4

// bundleSteps are what becomes of them: "staged-1", "switched-1", "healthy-1".
func bundleSteps() (all []string) {
	for v := 1; v <= bundleVersions; v++ {
		end := "healthy"
		if v == bundleVersions-1 {
			end = "reverted"
		}
		all = append(all, fmt.Sprint("staged-", v), fmt.Sprint("switched-", v), fmt.Sprint(end, "-", v))
	}
	return all
}

// bundleLaneFile is the lane file of a version, 0 for the machine's own.
func bundleLaneFile(disk string, version int) string {
	return fmt.Sprintf("# version %d\nsite: {id: s}\nagent: {id: a, state_dir: %s}\nlanes: [{id: lane-1}]\n", version, disk)
}

// openBundles opens a journal, and the bundles that are told in it.
func openBundles(disk string) (*journal.Journal, *bundle.Store, error) {
	file, err := firmwareconfig.Decode([]byte(bundleLaneFile(disk, 0)), "machine.yaml", drivers.Catalog)
	if err != nil {
		return nil, nil, err
	}
	j, err := journal.Open(filepath.Join(disk, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		return nil, nil, err
	}
	s, err := bundle.Open(bundle.Options{Dir: filepath.Join(disk, "bundles"), File: file, Specs: drivers.Catalog,
		Log: slog.New(slog.DiscardHandler)})
	return j, s, err
}

// switchBundles takes each bundle through its steps, and says each that is durable.
func switchBundles(disk string) error {
	j, s, err := openBundles(disk)
	if err != nil {
		return err
	}
	steps := bundleSteps()
	for v := 1; v <= bundleVersions; v++ {
		archive, sum, err := packBundle(disk, v)
		if err != nil {
			return err
		}
		b := bundle.Bundle{Path: fmt.Sprint("bundles/s/a/c-", v), Version: int64(v), SHA256: sum}
		end := s.Keep
		if strings.HasPrefix(steps[3*v-1], "reverted") {
			end = func() error { s.Revert(message.New("bundle.unlinked")); return nil }
		}
		for i, step := range []func() error{
			func() error { return s.Stage(b, archive) }, func() error { return s.Switch(bundle.Health{}) }, end,
		} {
			if err := step(); err != nil {
				return err
			}
			_ = os.Remove(archive) // it is staged
			fmt.Println(steps[3*(v-1)+i])
			if err := s.Flush(context.Background(), j); err != nil {
				return err
			}
		}
	}
	return nil // they stay open: their power is cut
}

// packBundle writes the archive of a version, away from the disk whose power is cut.
func packBundle(disk string, version int) (file string, sum []byte, err error) {
	f, err := os.CreateTemp("", "lanewarden-bundle-")
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	z, err := zstd.NewWriter(io.MultiWriter(f, h))
	if err != nil {
		return "", nil, err
	}
	text, w := bundleLaneFile(disk, version), tar.NewWriter(z)
	head := &tar.Header{Typeflag: tar.TypeReg, Name: bundle.LaneFile, Mode: 0o644, Size: int64(len(text))}
	if err := w.WriteHeader(head); err != nil {
		return "", nil, err
	}
	_, err = io.WriteString(w, text)
	err = errors.Join(err, w.Close(), z.Close())
	return f.Name(), h.Sum(nil), err
}

// checkBundles wants in force what was kept last, by what was said or by one step more, whole; a trial that was under way
// given up; and each step that was said in the journal, none of them twice. Twice, as opening must not change that.
func checkBundles(disk string, said []string) error {
	for range 2 {
		if err := checkBundlesOnce(disk, said); err != nil {
			return err
		}
	}
	return nil
}

func checkBundlesOnce(disk string, said []string) error {
	j, s, err := openBundles(disk)
	if err != nil {
		return err
	}
	if _, on := s.Trial(); on {
		return errors.New("a trial goes on after a power cut")
	}
	text := s.Config().Text
	if text != bundleLaneFile(disk, keptAfter(len(said))) && text != bundleLaneFile(disk, keptAfter(len(said)+1)) {
		return fmt.Errorf("after %d steps this is in force: %q", len(said), text)
	}
	if err := s.Flush(context.Background(), j); err != nil {
		return err
	}
	told, err := toldSteps(j)
	if err != nil {
		return err
	}
	for _, step := range said {
		if told[step] != 1 {
			return fmt.Errorf("%s is in the journal %d times: %v", step, told[step], told)
		}
	}
	for step, n := range told {
		if n != 1 {
			return fmt.Errorf("%s is in the journal %d times", step, n)
		}
	}
	return j.Close()
}

// keptAfter returns the version that is kept after so many steps, 0 for the machine's own.
func keptAfter(steps int) (version int) {
	all := bundleSteps()
	for i, step := range all[:min(steps, len(all))] {
		if strings.HasPrefix(step, "healthy") {
			version = i/3 + 1
		}
	}
	return version
}

// toldSteps returns how often the journal has each step. A trial that the power cut ended is told as reverted, beside what
// was said.
func toldSteps(j *journal.Journal) (map[string]int, error) {
	rows, err := j.Read(0, 1000)
	if err != nil {
		return nil, err
	}
	told := map[string]int{}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			return nil, err
		}
		if b := o.Body.GetBundleState(); b != nil {
			step := strings.ToLower(strings.TrimPrefix(b.Step.String(), "STEP_"))
			told[step+"-"+b.Bundle[len(b.Bundle)-1:]]++
		}
	}
	return told, nil
}
