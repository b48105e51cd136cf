package notify

import (
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// lookEvery is how often the file of rules is looked at for changes.
const lookEvery = time.Second

// fileMark tells versions of a file apart: those who edit it change its time or its size.
type fileMark struct {
	time time.Time
	size int64
}

// markOf returns the mark of a file; the zero mark for one that is not there.
func markOf(file string) fileMark {
	info, err := os.Stat(file)
	if err != nil {
		return fileMark{}
	}
	return fileMark{info.ModTime(), info.Size()}
}

// Run runs all senders until ctx ends, and returns nil. When the file of rules changes they end, and those of the new rules
// begin where they were. While the file is wrong, the rules that were read last hold.
func (t *Teller) Run(ctx context.Context) error {
	if t == nil {
		return nil
	}
	for {
		running, stop := context.WithCancel(ctx)
		var g errgroup.Group
		for _, s := range t.current() {
			g.Go(func() error { s.run(running); return nil })
		}
		rules := t.awaitRules(ctx)
		stop()
		_ = g.Wait() // senders return no errors
		if rules == nil {
			return nil
		}
		t.change(rules)
	}
}

// awaitRules returns the rules of the file once it has changed and is right; nil when ctx has ended.
func (t *Teller) awaitRules(ctx context.Context) *Rules {
	for wire.Pause(ctx, lookEvery) == nil {
		mark := markOf(t.file)
		t.mu.Lock()
		same := mark == t.seen && t.problem == nil // a wrong one may be right without a change: a secret's file has come
		t.seen = mark
		t.mu.Unlock()
		if same {
			continue
		}
		rules, err := Read(t.file)
		if err == nil {
			err = rules.reachable()
		}
		if err == nil {
			return rules
		}
		t.refuse(err)
	}
	return nil
}

// reachable returns an error when something that receivers need, such as an authority's certificate, cannot be read.
func (r *Rules) reachable() error {
	for i := range r.Receivers {
		if _, err := newOutlet(&r.Receivers[i]); err != nil {
			return err
		}
	}
	return nil
}

// change puts new rules into force, or those of before again when that fails.
func (t *Teller) change(rules *Rules) {
	t.mu.Lock()
	before := t.rules
	t.mu.Unlock()
	err := t.begin(rules)
	if err == nil {
		t.log.Info("rules about who outside is told are in force", "file", t.file, "rules", len(rules.Rules))
		return
	}
	if again := t.begin(before); again != nil {
		t.mu.Lock()
		t.senders = nil // they have ended; the file is tried again
		t.mu.Unlock()
		t.log.Error("nobody outside is told", "err", again)
	}
	t.refuse(err)
}

// refuse notes why the file is not in force, and logs what is new of that.
func (t *Teller) refuse(err error) {
	said := message.Of(err).Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.problem == nil || t.problem.EN != said.EN {
		t.log.Error("the file of rules about who outside is told is wrong; those that were read last hold", "file", t.file, "err", err)
	}
	t.problem = &said
}
