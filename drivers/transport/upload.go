package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize/english"
)

// How slow a sender may be. A slow one is borne as long as nobody else waits for its place.
const (
	floorBytes   = 1 << 10          // bytes a second, on average, that a sender must reach in any case
	floorGrace   = 10 * time.Second // which it may be late
	stalledAfter = 500 * time.Millisecond
	crowdedBytes = 16 << 10                // bytes a second below which a sender gives its place to another
	placeWait    = 1500 * time.Millisecond // how long a sender waits for a place
	placeLook    = 50 * time.Millisecond   // between two looks for a sender to send away
	// early is the size up to which a document needs no place: senders that dribble hold none until then, and what is
	// small never waits for them. The memory it costs is what really came.
	early = 32 << 10 // bytes
)

// SlowError means that a document came too slowly. The sender is told to try again.
type SlowError struct{ Reason string }

// Error implements error.
func (e *SlowError) Error() string { return e.Reason }

// upload is a body under way. It counts only the time in which the sender was waited for: a journal that is slow is
// not the sender's fault.
type upload struct {
	body    io.Reader
	control *http.ResponseController
	begun   time.Time

	mu      sync.Mutex
	size    int64         // bytes that came
	waited  time.Duration // for the sender, in reads that are over
	since   time.Time     // begin of the read under way; zero for none
	whole   bool          // all of it came, or it broke off
	cut     bool          // sent away for another
	warning *SlowError
}

// begins reads the beginning of the body, all of a small document, and returns the body as if it had not been read.
// What went wrong meanwhile comes at its place in the body.
func (u *upload) begins() io.Reader {
	head, err := io.ReadAll(io.LimitReader(u, early))
	switch {
	case err != nil:
		return io.MultiReader(bytes.NewReader(head), failing{err})
	case len(head) < early:
		return bytes.NewReader(head)
	}
	return io.MultiReader(bytes.NewReader(head), u)
}

// failing is a body that ends with an error.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Read implements io.Reader. It fails with a SlowError when the sender fell below the floor, or was sent away for
// another.
func (u *upload) Read(p []byte) (int, error) {
	if err := u.begin(); err != nil {
		return 0, err
	}
	n, err := u.body.Read(p)
	return n, u.end(n, err)
}

// begin sets the deadline of a read: what the sender has saved up above floorBytes a second, and floorGrace.
func (u *upload) begin() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cut {
		return u.warning
	}
	u.since = time.Now()
	left := floorGrace + time.Duration(u.size)*time.Second/floorBytes - u.waited
	deadline := u.since.Add(left)
	if last := u.begun.Add(requestTimeout); deadline.After(last) {
		deadline = last
	}
	return ignoreUnsupported(u.control.SetReadDeadline(deadline))
}

// end counts what a read gave, and says in words why the body broke off.
func (u *upload) end(n int, err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.size += int64(n)
	u.waited += time.Since(u.since)
	u.since = time.Time{}
	switch {
	case err == nil:
		return nil
	case u.cut:
		u.whole = true
		return u.warning
	case errors.Is(err, os.ErrDeadlineExceeded):
		u.whole = true
		return &SlowError{fmt.Sprintf("the document came too slowly: %d %s in %s, the floor is %d bytes a second; try again",
			u.size, english.PluralWord(int(u.size), "byte", ""), u.waited.Round(time.Second), floorBytes)}
	}
	u.whole = true
	if errors.Is(err, io.EOF) {
		// The server reads on to notice that the sender hangs up, and takes a deadline for that.
		if reset := ignoreUnsupported(u.control.SetReadDeadline(time.Time{})); reset != nil {
			return reset
		}
	}
	return err
}

// ignoreUnsupported drops the error of a connection that knows no deadlines, as in tests.
func ignoreUnsupported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// rate returns the bytes a second of a sender that is slow, and false for one that is not, or is not waited for.
func (u *upload) rate(now time.Time) (bytesPerSecond float64, slow bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.whole || u.cut || u.since.IsZero() {
		return 0, false
	}
	stalled := now.Sub(u.since)
	total := u.waited + stalled
	if total < stalledAfter {
		return 0, false
	}
	rate := float64(u.size) / total.Seconds()
	return rate, rate < crowdedBytes || stalled >= stalledAfter
}

// sendAway ends the read of a slow sender, so that another gets its place.
func (u *upload) sendAway() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.whole || u.cut {
		return
	}
	u.cut = true
	u.warning = &SlowError{fmt.Sprintf("the document came slowly (%d %s so far) while others waited: try again",
		u.size, english.PluralWord(int(u.size), "byte", ""))}
	u.control.SetReadDeadline(time.Unix(1, 0)) // an error leaves it until the floor ends it
}

// places bounds the documents under way, max of them, and so the memory they cost.
type places struct {
	mu      sync.Mutex
	max     int
	uploads map[*upload]bool
	freed   chan struct{} // closed, and made anew, when a place becomes free
}

func newPlaces(limit int) *places {
	return &places{max: limit, uploads: map[*upload]bool{}, freed: make(chan struct{})}
}

// enter waits for a place, at most placeWait, and sends the slowest sender away for it. It reports whether there was
// one.
func (p *places) enter(ctx context.Context, u *upload) bool {
	ctx, cancel := context.WithTimeout(ctx, placeWait)
	defer cancel()
	for {
		ok, freed := p.enterOnce(u)
		if ok {
			return true
		}
		look := time.NewTimer(placeLook)
		select {
		case <-freed:
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return false
		}
		look.Stop()
	}
}

// enterOnce takes a place for u if there is one; else it sends the slowest sender away, whose place is free a little
// later, when freed is closed.
func (p *places) enterOnce(u *upload) (ok bool, freed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.uploads) < p.max {
		p.uploads[u] = true
		return true, nil
	}
	var slowest *upload
	least, now := 0.0, time.Now()
	for one := range p.uploads {
		if rate, slow := one.rate(now); slow && (slowest == nil || rate < least) {
			slowest, least = one, rate
		}
	}
	if slowest != nil {
		slowest.sendAway()
	}
	return false, p.freed
}

// leave gives a place back.
func (p *places) leave(u *upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.uploads, u)
	close(p.freed)
	p.freed = make(chan struct{})
}
