package rollout

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/hub/orders"
)

// Book is what the hub knows of rollouts, and of what runs where.
type Book struct {
	Cursor   string           `json:"cursor"`         // of the ledger's feed, up to which Agents is told; empty for none
	Rollouts []*Rollout       `json:"rollouts"`       // newest first
	Agents   map[string]Agent `json:"agents"`         // by SITE/AGENT
	Acts     []Act            `json:"acts,omitempty"` // that are not journalled yet
}

// Files in the repository's folder.
const (
	bookFile = "rollouts.json"
	lockFile = ".rollouts.lock"
)

// maxRollouts bounds the rollouts that are kept; the oldest that have ended go first. What is done must stay for as long
// as lanes may come that do not have it.
const maxRollouts = 1000

// Read reads the book in a repository's folder; one that is not there is empty.
func Read(dir string) (b Book, err error) {
	b.Agents, b.Rollouts = map[string]Agent{}, []*Rollout{}
	text, err := os.ReadFile(filepath.Join(dir, bookFile))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err
}

// change changes the book under a lock, that of those who start and stop and that of the hub. edit returns whether
// something is to be written.
func change(dir string, edit func(b *Book) (bool, error)) (changed bool, err error) {
	if !orders.At(dir).Exists() {
		return false, message.Errorf("orders.no-repository", message.String("dir", dir))
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return false, err
	}
	b, err := Read(dir)
	if err != nil {
		return false, err
	}
	if changed, err = edit(&b); err != nil || !changed {
		return false, err
	}
	text, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return false, err
	}
	return true, linefile.Write(filepath.Join(dir, bookFile), text)
}

// step moves all rollouts on, and returns whether one has changed. all are the hub's agents, SITE/AGENT. A rollout that
// stops is put on record.
func (b *Book) step(now time.Time, all []string) (changed bool) {
	for _, r := range b.Rollouts {
		if !r.step(now, fleet(all, r.Site), b.Agents) {
			continue
		}
		changed = true
		if r.State == Stopped {
			b.add(Act{What: "stopped", Bundle: r.Bundle, Site: r.Site, Why: r.Message})
		}
	}
	return changed
}

// find returns a site's rollout of a bundle; nil for none.
func (b *Book) find(bundle, site string) *Rollout {
	i := slices.IndexFunc(b.Rollouts, func(r *Rollout) bool { return r.Bundle == bundle && r.Site == site })
	if i < 0 {
		return nil
	}
	return b.Rollouts[i]
}

// Start begins to hand out a bundle that is published: to a share of a site's lanes, and to the next, larger one when all
// have worked for the soak time. One that was stopped begins anew. by is who starts it.
func Start(dir, bundle, site string, percent []int, soak time.Duration, by string) error {
	if err := checkPercent(percent); err != nil {
		return err
	}
	status, err := orders.At(dir).Status()
	if err != nil {
		return err
	}
	next := &Rollout{
		Bundle: bundle, Site: site, Percent: percent, Soak: soak.String(), State: Running, Begun: time.Now().UTC(), Turn: []string{},
	}
	if !slices.ContainsFunc(status.Files, func(f orders.FileStatus) bool { return f.Site == "" && next.concerns(f.Path) }) {
		return message.Errorf("bundle.unpublished", message.Quoted("bundle", bundle), message.Quoted("site", site))
	}
	_, err = change(dir, func(b *Book) (bool, error) {
		old := b.find(bundle, site)
		if old != nil && old.State != Stopped {
			return false, message.Errorf("bundle.rolling", message.Quoted("bundle", bundle))
		}
		b.Rollouts = slices.DeleteFunc(b.Rollouts, func(r *Rollout) bool { return r == old })
		b.Rollouts = append([]*Rollout{next}, b.Rollouts...)
		b.Rollouts = b.Rollouts[:min(len(b.Rollouts), maxRollouts)]
		b.add(Act{By: by, What: "start", Bundle: bundle, Site: site})
		return true, nil
	})
	return err
}

// Stop ends a rollout: no further lane gets the bundle. by is who stops it.
func Stop(dir, bundle, site, by string) error {
	_, err := change(dir, func(b *Book) (bool, error) {
		r := b.find(bundle, site)
		if r == nil || r.State == Stopped {
			return false, message.Errorf("bundle.no-rollout", message.Quoted("bundle", bundle))
		}
		r.stop(message.New("bundle.somebody"))
		b.add(Act{By: by, What: "stop", Bundle: bundle, Site: site})
		return true, nil
	})
	return err
}

// GoOn has a rollout not wait any more for lanes whose turn it is, such as some that are away. They may have the bundle
// still, and one that goes back stops the rollout as any other. by is who decides that.
func GoOn(dir, bundle, site string, lanes []string, by string) error {
	_, err := change(dir, func(b *Book) (bool, error) {
		r := b.find(bundle, site)
		if r == nil || r.State != Running {
			return false, message.Errorf("bundle.no-rollout", message.Quoted("bundle", bundle))
		}
		for _, name := range lanes {
			if !slices.Contains(r.Turn, name) {
				return false, message.Errorf("bundle.not-its-turn", message.Quoted("lane", name))
			}
			if !slices.Contains(r.Without, name) {
				r.Without = append(r.Without, name)
			}
		}
		b.add(Act{By: by, What: "go-on", Bundle: bundle, Site: site, Lanes: lanes})
		return true, nil
	})
	return err
}

// checkPercent returns an error for what are no growing percentages.
func checkPercent(values []int) error {
	for i, v := range values {
		if v < 1 || v > wholePercent || i > 0 && v <= values[i-1] {
			return message.Errorf("bundle.percent")
		}
	}
	if len(values) == 0 {
		return message.Errorf("bundle.percent")
	}
	return nil
}

// fleet returns the names of the agents of a site of all agents, SITE/AGENT.
func fleet(all []string, site string) (names []string) {
	for _, a := range all {
		if name, ok := strings.CutPrefix(a, site+"/"); ok {
			names = append(names, name)
		}
	}
	return names
}

func hexOf(sum []byte) string { return hex.EncodeToString(sum) }
