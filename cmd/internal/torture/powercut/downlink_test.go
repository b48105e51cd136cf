package powercut

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lanewarden/edge/api/linefile"
	"lanewarden/edge/journal"
	"lanewarden/sync/downlink"
	"lanewarden/sync/hub/orders"
)

// stickVersions is how many sticks come to the lane, each with a newer version of one file.
const stickVersions = 5

// writeSticks publishes versions of a list, and writes the root of trust and a stick for each into a folder.
func writeSticks(dir string) error {
	r := orders.At(filepath.Join(dir, "repository"))
	files, root, err := r.Init(filepath.Join(dir, "keys"), "")
	if err != nil {
		return err
	}
	var keys []orders.Key
	for _, f := range files {
		k, err := orders.ReadKey(f, nil)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	text, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "root"), text, 0o600); err != nil {
		return err
	}
	for v := 1; v <= stickVersions; v++ {
		if err := writeStick(dir, r, keys, v); err != nil {
			return err
		}
	}
	return nil
}

func writeStick(dir string, r *orders.Repository, keys []orders.Key, version int) error {
	content := filepath.Join(dir, fmt.Sprint("content-", version))
	if err := os.WriteFile(content, stickContent(version), 0o600); err != nil {
		return err
	}
	var lists []orders.Key
	for _, k := range keys {
		if k.Name == "lists" {
			lists = append(lists, k)
		}
	}
	var old []string
	if version > 1 {
		old = []string{stickPath(version - 1)}
	}
	done, err := r.Publish([]orders.File{{Path: stickPath(version), From: content}}, old, lists)
	if err == nil && !done {
		err = errors.New("it waits for signatures")
	}
	if err != nil {
		return err
	}
	_, err = r.Export(filepath.Join(dir, fmt.Sprint("stick-", version)), "s")
	return err
}

func stickPath(version int) string { return fmt.Sprintf("lists/targets/%d.full", version) }

// stickContent is the content of a version's file: more than a page, so that a torn one is seen.
func stickContent(version int) []byte {
	return []byte(strings.Repeat(fmt.Sprint("version ", version, "\n"), 2000))
}

// keeper keeps the newest file in a file of its own, as those who use targets do.
type keeper struct{ file string }

func (keeper) Prefix() string { return "lists/" }

func (k keeper) version() int {
	text, err := os.ReadFile(k.file)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	v, _ := strconv.Atoi(strings.TrimPrefix(first, "version "))
	return v
}

func (k keeper) Choose(all []downlink.Target) (downlink.Target, bool) {
	for _, t := range all {
		if t.Path == stickPath(k.version()+1) || k.version() == 0 {
			return t, true
		}
	}
	return downlink.Target{}, false
}

func (k keeper) Apply(_ context.Context, _ downlink.Target, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return linefile.Replace(k.file, text, 0o600)
}

// openOrders opens a journal, and what has come down.
func openOrders(disk string) (*journal.Journal, *downlink.Service, keeper, error) {
	k := keeper{filepath.Join(disk, "used")}
	j, err := journal.Open(filepath.Join(disk, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		return nil, nil, k, err
	}
	root, err := os.ReadFile(filepath.Join(os.Getenv(filesVariable), "root"))
	if err != nil {
		return nil, nil, k, err
	}
	s, err := downlink.New(downlink.Options{
		Dir: filepath.Join(disk, "orders"), Site: "s", Agent: "a", Root: root, ClockTrusted: func() bool { return true },
		Consumers: []downlink.Consumer{k}, Journal: j, Log: slog.New(slog.DiscardHandler),
	})
	return j, s, k, err
}

func stick(version int) string {
	return filepath.Join(os.Getenv(filesVariable), fmt.Sprint("stick-", version))
}

// takeSticks takes one stick after the other, and says each that was taken and journalled.
func takeSticks(disk string) error {
	_, s, _, err := openOrders(disk)
	if err != nil {
		return err
	}
	for v := 1; v <= stickVersions; v++ {
		if _, err := s.Import(context.Background(), stick(v)); err != nil {
			return err
		}
		fmt.Println(v)
	}
	return nil // all stays open: its power is cut
}

// checkSticks wants what was said, or one version more, in use and whole, each version in the journal once at most, and those
// that were said there; that an older stick is refused, and that the next one is taken.
func checkSticks(disk string, said []string) error {
	j, s, k, err := openOrders(disk)
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ended); err != nil { // it journals what was interrupted
		return err
	}
	v := k.version()
	if text, err := os.ReadFile(k.file); v > 0 && (err != nil || string(text) != string(stickContent(v))) {
		return fmt.Errorf("version %d is not whole: %w", v, err)
	}
	if v < len(said) || v > len(said)+1 {
		return fmt.Errorf("version %d is in use, %d was said", v, len(said))
	}
	if len(said) > 1 {
		if _, err := s.Import(context.Background(), stick(len(said)-1)); err == nil {
			return fmt.Errorf("after version %d the stick before it was taken", len(said))
		}
	}
	for next := min(v+1, stickVersions); next <= stickVersions; next++ {
		if _, err := s.Import(context.Background(), stick(next)); err != nil {
			return fmt.Errorf("stick %d after version %d: %w", next, v, err)
		}
	}
	if k.version() != stickVersions {
		return fmt.Errorf("version %d is in use in the end", k.version())
	}
	return errors.Join(checkTaken(j), j.Close())
}

// checkTaken wants each version in the journal, and none twice.
func checkTaken(j *journal.Journal) error {
	rows, err := j.Read(0, 1000)
	if err != nil {
		return err
	}
	told := map[string]int{}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			return err
		}
		for _, t := range o.Body.GetOrdersChecked().GetTaken() {
			told[t.Path]++
		}
	}
	for v := 1; v <= stickVersions; v++ {
		if told[stickPath(v)] != 1 {
			return fmt.Errorf("version %d is in the journal %d times: %v", v, told[stickPath(v)], told)
		}
	}
	return nil
}
