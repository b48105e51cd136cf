// Package bundle keeps the configuration that comes to a lane from the centre. Archives of lane file, profiles, libraries
// and policies go in; the configuration that is in force comes out, with what became of each archive as observations.
// What is in force is one small file that is replaced as a whole, so that a crash leaves the old or the new.
// docs/bundles.md tells the rules.
package bundle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/evidence/sqlog"
	firmwareconfig "lanewarden/firmware-config"
)

// Bundle is one archive of configuration.
type Bundle struct {
	Path    string `json:"path"`    // under which it is published: "bundles/emerson-east/lane-7"
	Version int64  `json:"version"` // 7
	SHA256  []byte `json:"sha256"`  // of the archive
}

// Options describe where bundles are kept, and for whom. All but the last are required.
type Options struct {
	Dir   string                 // of its own; made where it is missing
	File  *firmwareconfig.Config // the machine's own lane file: whose bundles are taken, and what is in force without one
	Specs []driver.Spec          // drivers that devices may have
	Log   *slog.Logger

	stop func(step string) // for tests: called at each step that a crash may fall on
}

// stateFile is the file in Options.Dir that says what is in force.
const stateFile = "state.json"

// state is what stateFile says.
type state struct {
	Current  *Bundle `json:"current,omitempty"`  // in force; nil for the machine's lane file
	Previous *Bundle `json:"previous,omitempty"` // in force before Current; nil for the machine's lane file
	Next     *Bundle `json:"next,omitempty"`     // staged
	Trial    bool    `json:"trial,omitempty"`    // Current is on trial
	// Seen is the highest version that was dealt with: what is not newer is not taken, so that one that did not work is
	// not tried again.
	Seen int64 `json:"seen"`
	// Ordered is the SHA-256 of a bundle that is to be taken although it is not newer; empty for none.
	Ordered []byte `json:"ordered,omitempty"`
	Rows    []row  `json:"rows,omitempty"` // not journalled yet
}

// Store keeps bundles. Its methods may be called from any goroutine.
type Store struct {
	o       Options
	changed chan struct{}

	mu     sync.Mutex
	state  state
	before Health // of when the trial began
}

// Open opens what is kept. A bundle whose trial was under way when the agent ended is given up: it may be why.
func Open(o Options) (*Store, error) {
	if o.stop == nil {
		o.stop = func(string) {}
	}
	if err := sqlog.MakeDir(o.Dir); err != nil {
		return nil, err
	}
	s := &Store{o: o, changed: make(chan struct{}, 1)}
	text, err := os.ReadFile(filepath.Join(o.Dir, stateFile))
	if err == nil {
		err = json.Unmarshal(text, &s.state)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.state = state{}
		o.Log.Error("which bundle is in force cannot be read: the machine's lane file is", "dir", o.Dir, "err", err)
	}
	if s.state.Trial {
		s.Revert(message.New("bundle.died"))
	}
	s.removeOthers()
	return s, nil
}

// Changed receives when there is something new to journal or to switch to.
func (s *Store) Changed() <-chan struct{} { return s.changed }

// Config returns the configuration in force. A bundle that cannot be read any more is given up for the one before it, and
// that for the machine's lane file.
func (s *Store) Config() *firmwareconfig.Config {
	for {
		current := s.Current()
		if current == nil {
			return s.o.File
		}
		c, err := s.load(current)
		if err == nil {
			return c
		}
		s.Revert(message.Of(err))
	}
}

// Current returns the bundle in force; nil for the machine's lane file.
func (s *Store) Current() *Bundle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Current
}

// Next returns the bundle that waits to be switched to; nil for none.
func (s *Store) Next() *Bundle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Next
}

// Offers reports whether a bundle that is published is to be taken.
func (s *Store) Offers(sha256 []byte, version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return version > s.state.Seen || len(sha256) > 0 && bytes.Equal(sha256, s.state.Ordered)
}

// Order has a bundle taken although it is not newer than what was in force, when it is published: to go back to it. One
// that is in force already stays.
func (s *Store) Order(sha256 []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	if c := next.Current; c != nil && bytes.Equal(c.SHA256, sha256) {
		return nil
	}
	next.Ordered = sha256
	return s.write(next)
}

// Stage checks an archive and puts it beside what is in force. What cannot be used is refused, which is no error: an
// error means that the same may succeed later.
func (s *Store) Stage(b Bundle, archive string) error {
	err := s.unpack(&b, archive)
	var broken errArchive
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	if err == nil {
		s.o.stop("unpacked")
		_, err = s.load(&b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	next.Seen = max(next.Seen, b.Version)
	if bytes.Equal(next.Ordered, b.SHA256) {
		next.Ordered = nil
	}
	if err != nil {
		next.add(observation.BundleState_STEP_REFUSED, &b, message.Of(err))
	} else {
		next.Next = &b
		next.add(observation.BundleState_STEP_STAGED, &b, message.Message{})
	}
	return s.write(next)
}

// unpack unpacks an archive into its folder, which is there whole or not at all.
func (s *Store) unpack(b *Bundle, archive string) error {
	dir := s.dir(b)
	if _, err := os.Stat(dir); err == nil {
		return nil // the same content, perhaps under another name
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	part := dir + partEnding
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := unpack(f, part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	s.o.stop("unpacking")
	if err := os.Rename(part, dir); err != nil {
		return err
	}
	return sqlog.SyncDir(s.o.Dir)
}

// partEnding ends the name of a folder that is being filled.
const partEnding = ".part"

// dir returns the folder of a bundle.
func (s *Store) dir(b *Bundle) string { return filepath.Join(s.o.Dir, hex.EncodeToString(b.SHA256)) }

// The lane file in a bundle: LaneFile for a bundle of one agent, a file for each agent in AgentsDir for one of a site.
const (
	LaneFile  = "lane.yaml"
	AgentsDir = "lanes"
)

// load reads and checks a bundle's lane file, as laned check does, and that it is for this agent on this machine.
func (s *Store) load(b *Bundle) (*firmwareconfig.Config, error) {
	file := filepath.Join(AgentsDir, s.o.File.Agent.ID+".yaml")
	if _, err := os.Stat(filepath.Join(s.dir(b), file)); err != nil {
		file = LaneFile
	}
	if _, err := os.Stat(filepath.Join(s.dir(b), file)); errors.Is(err, fs.ErrNotExist) {
		return nil, message.Errorf("bundle.no-lane-file", message.String("agent", s.o.File.Agent.ID))
	}
	c, err := firmwareconfig.LoadBundle(s.dir(b), file, s.o.Specs)
	if err != nil {
		return nil, err
	}
	return c, s.fits(c)
}

// fits returns an error for a lane file that is another agent's, or that changes what belongs to the machine.
func (s *Store) fits(c *firmwareconfig.Config) error {
	own := s.o.File
	if c.Site.ID != own.Site.ID || c.Agent.ID != own.Agent.ID {
		return message.Errorf("bundle.others", message.String("agent", c.Site.ID+"/"+c.Agent.ID),
			message.String("own", own.Site.ID+"/"+own.Agent.ID))
	}
	for _, one := range []struct{ setting, theirs, own string }{
		{"agent.state_dir", c.Agent.StateDir, own.Agent.StateDir},
		{"console.socket", c.Console.Socket, own.Console.Socket},
		{"uplink.orders.root", root(c), root(own)},
	} {
		if one.theirs != one.own {
			return message.Errorf("bundle.machine", message.String("setting", one.setting),
				message.Quoted("theirs", one.theirs), message.Quoted("own", one.own))
		}
	}
	return nil
}

// root returns the root of trust that a lane file names. Without it a lane would take nothing any more.
func root(c *firmwareconfig.Config) string {
	if c.Uplink == nil {
		return ""
	}
	return c.Uplink.Orders.Root
}

// Switch puts the staged bundle in force, on trial. before says how the lane is now, which the trial compares with. After
// it the agent must run again with Config.
func (s *Store) Switch(before Health) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	if next.Next == nil {
		return nil
	}
	next.Previous, next.Current, next.Next, next.Trial = next.Current, next.Next, nil, true
	next.add(observation.BundleState_STEP_SWITCHED, next.Current, message.Message{})
	s.o.stop("switching")
	if err := s.write(next); err != nil {
		return err
	}
	s.before = before
	return nil
}

// Trial returns how the lane was before the bundle in force, while that is on trial.
func (s *Store) Trial() (before Health, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.before, s.state.Trial
}

// Keep ends the trial: the bundle stays in force.
func (s *Store) Keep() error {
	s.mu.Lock()
	next := s.state
	next.Trial = false
	next.add(observation.BundleState_STEP_HEALTHY, next.Current, message.Message{})
	err := s.write(next)
	s.mu.Unlock()
	s.removeOthers()
	return err
}

// Revert puts in force what was before. It does so also when that cannot be written: a bundle on trial is given up at the
// next start.
func (s *Store) Revert(why message.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, gone := s.state, s.state.Current
	if gone == nil {
		return
	}
	next.Current, next.Previous, next.Trial = next.Previous, nil, false
	next.add(observation.BundleState_STEP_REVERTED, gone, why)
	s.o.Log.Error("a bundle is given up", "bundle", gone.Path, "reason", why.English())
	s.o.stop("reverting")
	if err := s.write(next); err != nil {
		s.o.Log.Error("that a bundle is given up cannot be kept", "err", err)
		s.state = next
	}
}

// write replaces the state, and tells of it.
func (s *Store) write(next state) error {
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := linefile.Replace(filepath.Join(s.o.Dir, stateFile), text, 0o600); err != nil {
		return err
	}
	s.o.stop("written")
	s.state = next
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// removeOthers removes the folders of bundles that are not needed any more. What cannot be removed goes another time.
func (s *Store) removeOthers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	needed := map[string]bool{stateFile: true}
	for _, b := range []*Bundle{s.state.Current, s.state.Previous, s.state.Next} {
		if b != nil {
			needed[filepath.Base(s.dir(b))] = true
		}
	}
	entries, err := os.ReadDir(s.o.Dir)
	for _, e := range entries {
		if !needed[e.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.o.Dir, e.Name())))
		}
	}
	if err != nil {
		s.o.Log.Warn("old bundles are not removed", "err", err)
	}
}
