package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/evidence/sqlog"
)

const (
	// proof is how many observations show, before the outage, that the peer works.
	proof = 10
	// proofTime is how long these may take, the start of the programs included.
	proofTime = time.Minute
	// look is between two looks at what has arrived.
	look = 2 * time.Millisecond
	// quiet is how long nothing arrives before all that has is counted, which takes processor time.
	quiet = time.Second
	// restartAfter is how long a part that was killed is gone.
	restartAfter = time.Second
	// idleShare is the share of a core that the parts use at most when they have settled in an outage, over idleTime.
	idleShare = 0.2
	idleTime  = time.Second
	// settleTime is how long they have for that.
	settleTime = 3 * time.Minute
)

// Result is what one run gave.
type Result struct {
	N       int
	Begun   time.Duration // from the link's return until the first observation was durable at the centre
	Whole   time.Duration // from there until the last one was
	Lost    int
	Doubled int
	Up      int64 // bytes on the link from the lane, while it drained
	Down    int64 // and to the lane
	Disk    int64 // bytes of the lane's files when the link came back
	Parts   []PartUse
}

// PartUse is what a part of a peer used.
type PartUse struct {
	Name, Where string
	Memory      int64 // bytes at most
	// Processor is the processor time from the link's return until everything had arrived; of a part that was killed,
	// since it was started again. It depends far less than the rate on what else the machine does.
	Processor time.Duration
}

// Rate is observations/s from the first to the last.
func (r *Result) Rate() float64 { return float64(r.N-r.Lost) / max(r.Whole-r.Begun, look).Seconds() }

func (r *Result) String() string {
	return fmt.Sprintf("N = %d: lost %d, doubled %d; begun after %s, whole after %s, %.0f/s; bytes on the link: %d up, %d down",
		r.N, r.Lost, r.Doubled, r.Begun.Round(time.Millisecond), r.Whole.Round(time.Millisecond), r.Rate(), r.Up, r.Down)
}

// runOnce lets n observations wait out an outage and drain. The part of the number killed is killed when a third has
// arrived, and started again; -1 for none.
func runOnce(ctx context.Context, o Options, kind Kind, n, killed int) (result *Result, err error) {
	r, err := newRig(o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, r.tails())
		}
		err = errors.Join(err, r.close())
	}()
	peer := kind.New()
	if err := peer.Start(ctx, r); err != nil {
		return nil, err
	}
	if err := peer.Fill(ctx, r, 0, proof); err != nil {
		return nil, err
	}
	t := newTally(n)
	there, err := proveIt(ctx, r, peer, t)
	if err != nil {
		return nil, err
	}
	defer there.close()
	if err := outage(ctx, o, r, peer, n); err != nil {
		return nil, err
	}
	d := drain{rig: r, there: there, tally: t, patience: o.Patience, killed: killed, result: &Result{N: n}}
	if d.result.Disk, err = sqlog.BytesBelow(r.path(atLane)); err != nil {
		return nil, err
	}
	return d.result, d.run(ctx)
}

// errPast is the error of a peer that went past the link.
var errPast = errors.New("observations arrived while the link was down")

// proveIt waits until the first observations have arrived.
func proveIt(ctx context.Context, r *rig, peer Peer, t *tally) (arrivals, error) {
	for begin := time.Now(); time.Since(begin) < proofTime; {
		there, err := peer.Arrivals(r)
		if err == nil {
			if err = there.read(t); err == nil && t.have == proof {
				return there, nil
			}
			there.close()
			t.have, t.doubled = 0, 0
			clear(t.seen)
		}
		if err := errors.Join(r.fallen(), wait.For(ctx, 50*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the first observations have not arrived within %s: missing %d of %d", proofTime, proof-t.have, proof)
}

// outage cuts the link, fills the lane, and returns when the outage is over and the parts do nothing but wait.
func outage(ctx context.Context, o Options, r *rig, peer Peer, n int) error {
	r.link.Cut()
	begin := time.Now()
	if err := peer.Fill(ctx, r, proof, n); err != nil {
		return err
	}
	if err := wait.For(ctx, max(0, o.Outage-time.Since(begin))); err != nil {
		return err
	}
	for settling := time.Now(); time.Since(settling) < settleTime; {
		before := r.processorTime()
		if err := wait.For(ctx, idleTime); err != nil {
			return err
		}
		if used := r.processorTime() - before; used.Seconds() < idleShare*idleTime.Seconds() {
			break
		}
	}
	return r.fallen()
}

// processorTime is that of all parts.
func (r *rig) processorTime() (all time.Duration) {
	for _, p := range r.parts {
		if p.Runs() {
			all += processorTime(p.PID())
		}
	}
	return all
}

// drain follows what arrives after an outage.
type drain struct {
	*rig
	there    arrivals
	tally    *tally
	patience time.Duration
	killed   int // number of the part to kill, -1 for none
	result   *Result

	begin    time.Time // the link's return
	first    int64     // progress at that time
	last     int64     // progress at the last look
	lastAt   time.Time // when it changed last
	counted  int64     // progress when all was counted last
	reviveAt time.Time // when the part that was killed is started again; zero for never
}

// run lets the link come back, and returns when everything has arrived, or nothing more comes.
func (d *drain) run(ctx context.Context) (err error) {
	if d.first, err = d.there.progress(); err != nil {
		return err
	}
	if err := d.there.read(d.tally); err != nil {
		return err
	}
	if d.tally.have > proof {
		return errPast
	}
	d.last, d.counted = d.first, d.first
	for _, p := range d.parts {
		p.begun = processorTime(p.PID())
	}
	d.link.Up.Store(0)
	d.link.Down.Store(0)
	d.begin = time.Now()
	d.lastAt = d.begin
	if err := d.link.Restore(); err != nil {
		return err
	}
	for done := false; !done; {
		if err := wait.For(ctx, look); err != nil {
			return err
		}
		now := time.Now()
		if err := errors.Join(d.notice(now), d.disturb(now)); err != nil {
			return err
		}
		if done, err = d.over(now); err != nil {
			return err
		}
	}
	d.link.Cut() // so that all that passed is counted
	d.report()
	return d.fallen()
}

// notice notes what has arrived.
func (d *drain) notice(now time.Time) error {
	n, err := d.there.progress()
	if err != nil || n == d.last {
		return err
	}
	if d.last == d.first {
		d.result.Begun = now.Sub(d.begin)
	}
	d.last, d.lastAt = n, now
	return nil
}

// disturb kills the part whose turn it is, when a third has arrived, and starts it again after a while.
func (d *drain) disturb(now time.Time) error {
	switch {
	case d.killed >= 0 && d.last-d.first >= int64(d.result.N/3):
		p := d.parts[d.killed]
		d.killed, d.reviveAt, p.begun = -1, now.Add(restartAfter), 0
		return p.kill()
	case !d.reviveAt.IsZero() && now.After(d.reviveAt):
		d.reviveAt = time.Time{}
		for _, p := range d.parts {
			if err := p.Start(); err != nil {
				return err
			}
		}
		d.lastAt = now
	}
	return nil
}

// over reports whether everything has arrived, or nothing has for too long. It counts when nothing arrives.
func (d *drain) over(now time.Time) (bool, error) {
	if now.Sub(d.lastAt) < quiet || !d.reviveAt.IsZero() {
		return false, nil
	}
	if d.last != d.counted {
		d.counted = d.last
		if err := d.there.read(d.tally); err != nil {
			return false, err
		}
		d.result.Whole = d.lastAt.Sub(d.begin)
	}
	return d.tally.lost() == 0 && d.killed < 0 || now.Sub(d.lastAt) > d.patience, nil
}

// report fills in the result.
func (d *drain) report() {
	r := d.result
	r.Lost, r.Doubled = d.tally.lost(), d.tally.doubled
	r.Up, r.Down = d.link.Up.Load(), d.link.Down.Load()
	for _, p := range d.parts {
		p.memory()
		r.Parts = append(r.Parts, PartUse{p.Name, p.where, p.peak, processorTime(p.PID()) - p.begun})
	}
}
