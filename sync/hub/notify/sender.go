package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// How a sender works.
const (
	pageRows    = 20               // rows read at once; each has 1 MiB at most
	pollPause   = time.Second / 2  // between looks at a ledger that grows
	gatherTime  = 30 * time.Second // how long events are summed up before the sum is sent
	saveEvery   = time.Minute      // while no row concerns the rule; a restart reads these again
	saveSums    = time.Second      // while events are summed up; likewise
	firstRetry  = time.Second
	longestWait = 5 * time.Minute // between tries to reach a receiver that is away
	refusedTry  = 3               // tries with a letter that the receiver takes for wrong
	mostCounted = 100_000         // rows that are counted as waiting
)

// sender tells one receiver what one rule says. run's goroutine owns it but for what mu guards.
type sender struct {
	*writer
	out    outlet
	from   source
	shown  Shown // nil: all of an event
	filter ledger.Filter
	hours  hoursOf
	file   string
	log    *slog.Logger
	gather time.Duration // gatherTime, but in tests

	progress
	after    int64     // seq of progress.Cursor
	saved    time.Time // when progress was written last
	limiter  *rate.Limiter
	unsaved  bool      // progress has sums that the file does not have
	gathered time.Time // when the first event of progress.Gather was added in this process

	mu      sync.Mutex
	stats   hubapi.Sender
	tries   int64 // that failed
	held    int64 // events in sums
	ahead   int64 // seq up to which events that wait were counted
	waiting int64 // that were counted after `after`
	more    bool
}

// hoursOf reports whether a time is within a rule's hours.
type hoursOf func(time.Time) bool

// newSender returns a sender that goes on where its file says, or begins with the newest row.
func newSender(w *writer, out outlet, from source, file string, log *slog.Logger) (*sender, error) {
	f, err := w.rule.filter()
	if err != nil {
		return nil, err
	}
	h, err := parseHours(w.rule)
	if err != nil {
		return nil, err
	}
	s := &sender{
		writer: w, out: out, from: from, filter: f, hours: h, file: file, gather: gatherTime,
		log:     log.With("rule", w.rule.ID, "receiver", w.to.ID),
		limiter: rate.NewLimiter(rate.Limit(float64(w.rule.PerMinute)/60), w.rule.PerMinute),
		stats: hubapi.Sender{
			Rule: w.rule.ID, Receiver: w.to.ID, Way: w.to.way(), What: w.rule.says().Text(), State: "ok",
		},
	}
	var there bool
	if s.progress, there, err = readProgress(file); err != nil {
		return nil, err
	}
	if !there {
		newest, _ := from.Durable()
		s.after, s.Cursor = newest, from.Cursor(newest)
		return s, s.write(file)
	}
	s.after, err = from.ParseCursor(s.Cursor)
	if errors.Is(err, ledger.ErrCursorGone) { // a backup is in the ledger's place
		s.after = from.AfterRestore(s.Cursor)
		s.Cursor, err = from.Cursor(s.after), nil
	}
	if s.Gather != nil {
		s.gathered = time.Now()
	}
	s.note()
	return s, err
}

// goOnFrom has the sender count on from the one of the same rule and receiver that there was before.
func (s *sender) goOnFrom(before []*sender) {
	for _, old := range before {
		if old.rule.ID != s.rule.ID || old.to.ID != s.to.ID {
			continue
		}
		was := old.state()
		s.stats.Sent, s.stats.Summed, s.stats.LastSent, s.tries = was.Sent, was.Summed, was.LastSent, old.failures()
	}
}

// run tells until ctx ends.
func (s *sender) run(ctx context.Context) {
	for ctx.Err() == nil {
		newest, changed := s.from.Durable()
		full, err := s.step(ctx, newest)
		if err != nil && ctx.Err() == nil {
			s.failed(err)
			s.log.Warn("nobody outside is told, trying again", "err", err)
		}
		if full && err == nil {
			continue
		}
		if wire.Pause(ctx, pollPause) != nil {
			break
		}
		if s.Gather != nil || err != nil {
			continue // a sum is due after a while, whatever comes
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	if err := s.save(); err != nil {
		s.log.Warn("how far a receiver was told cannot be kept: some of it will be told again", "err", err)
	}
}

// step deals with a page of rows, and with a sum that is due. full says that there are more rows. After an error, which is of
// this machine, the same rows come again.
func (s *sender) step(ctx context.Context, newest int64) (full bool, err error) {
	if s.Sending != nil {
		if err := s.sendSum(ctx); err != nil {
			return false, err
		}
	}
	events, err := s.from.Events(s.after, pageRows, s.filter)
	if err != nil {
		return false, err
	}
	for i := range events {
		if err := s.deal(ctx, &events[i]); err != nil {
			return false, err
		}
	}
	if full = len(events) == pageRows; !full && newest > s.after {
		s.moveTo(newest)
	}
	if since := time.Since(s.saved); since >= saveEvery || s.unsaved && since >= saveSums {
		if err := s.save(); err != nil {
			return false, err
		}
	}
	if s.Gather != nil && time.Since(s.gathered) >= s.gather && s.limiter.Allow() {
		return full, s.closeSum(ctx)
	}
	return full, nil
}

// deal tells one event, or sums it up, and moves behind it.
func (s *sender) deal(ctx context.Context, e *ledger.Event) error {
	tell, err := s.concerns(e)
	if err != nil {
		return err
	}
	reason := why("")
	switch {
	case !tell:
		s.moveTo(e.Seq)
		return nil
	case s.old(e.TimeNs):
		reason = tooOld
	case s.Gather != nil && s.Gather.Why[tooMany] > 0 || !s.limiter.Allow():
		reason = tooMany // those behind others that wait for a sum wait for it too: it would never be sent else
	default:
		lane, err := s.laneOf(e)
		if err != nil {
			return err
		}
		shown := e
		if s.shown != nil {
			if shown, err = s.shown(ctx, e); err != nil {
				return err
			}
		}
		if reason, err = s.deliver(ctx, s.newLetter(shown, lane, s.from.Cursor(e.Seq)), e.TimeNs); err != nil {
			return err
		}
	}
	s.moveTo(e.Seq)
	s.dealt(e.Seq, reason)
	if reason == "" {
		return s.save()
	}
	if s.Gather == nil {
		s.Sums++
		s.Gather, s.gathered = &sum{Number: s.Sums}, time.Now()
	}
	s.Gather.add(e, reason, s.Cursor)
	s.unsaved = true
	s.note()
	return nil
}

// concerns reports whether the rule is about an event.
func (s *sender) concerns(e *ledger.Event) (bool, error) {
	r := s.rule
	if len(r.Sites) > 0 && !slices.Contains(r.Sites, e.Site) || !s.hours(time.Unix(0, e.TimeNs)) {
		return false, nil
	}
	if len(r.Lanes) == 0 {
		return true, nil
	}
	lane, err := s.laneOf(e)
	return slices.Contains(r.Lanes, lane), err
}

// laneOf returns the lane of an event: that of its device, else the one that its body names.
func (s *sender) laneOf(e *ledger.Event) (string, error) {
	lane, err := s.from.LaneOf(e.Journal, e.Device)
	if lane == "" && err == nil {
		lane = namedLane(e)
	}
	return lane, err
}

func (s *sender) old(timeNs int64) bool { return time.Since(time.Unix(0, timeNs)) > s.rule.MaxAge }

// closeSum completes the sum, durably, and sends it.
func (s *sender) closeSum(ctx context.Context) error {
	s.Sending, s.Gather = s.Gather, nil
	if err := s.save(); err != nil {
		s.Sending, s.Gather = nil, s.Sending
		return err
	}
	return s.sendSum(ctx)
}

// sendSum sends the completed sum until the receiver has accepted it. One that it refuses is given up, and logged.
func (s *sender) sendSum(ctx context.Context) error {
	reason, err := s.deliver(ctx, s.summaryOf(s.Sending), 0)
	if err != nil {
		return err
	}
	if reason == refused {
		s.log.Error("a receiver refuses a summary, which is not sent again", "events", s.Sending.total(), "first", s.Sending.First, "last", s.Sending.Last)
	}
	s.Sending = nil
	s.note()
	return s.save()
}

// deliver sends a letter until it is accepted. It gives up, with the reason, when the event of time timeNs has become too old
// meanwhile (0 never does), and when the receiver refuses the letter again. An error is ctx's end.
func (s *sender) deliver(ctx context.Context, l *letter, timeNs int64) (why, error) {
	waits := &backoff.ExponentialBackOff{
		InitialInterval: firstRetry, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longestWait,
	}
	waits.Reset()
	refusals := 0
	for {
		err := s.out.send(ctx, l)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err == nil {
			s.succeeded()
			return "", nil
		}
		s.failed(err)
		if errors.Is(err, errRefused) {
			if refusals++; refusals == refusedTry {
				return refused, nil
			}
		}
		if timeNs != 0 && s.old(timeNs) {
			return tooOld, nil
		}
		s.count()
		if err := wire.Pause(ctx, waits.NextBackOff()); err != nil {
			return "", err
		}
	}
}

// count counts events that wait behind the one that cannot be sent, some pages at a time.
func (s *sender) count() {
	s.mu.Lock()
	from, n, more := max(s.ahead, s.after), s.waiting, false
	s.mu.Unlock()
	if from == s.after {
		n = 0
	}
	newest, _ := s.from.Durable()
	for read := 0; from < newest; read += pageRows {
		if n >= mostCounted || read >= 50*pageRows {
			more = true
			break
		}
		events, err := s.from.Events(from, pageRows, s.filter)
		if err != nil {
			break // it is tried again with the next wait
		}
		for i := range events {
			if waits, err := s.concerns(&events[i]); err == nil && waits {
				n++
			}
			from = events[i].Seq
		}
		if len(events) < pageRows {
			from = newest
		}
	}
	s.mu.Lock()
	s.ahead, s.waiting, s.more = from, n, more
	s.mu.Unlock()
}

// moveTo moves the cursor.
func (s *sender) moveTo(seq int64) {
	s.after, s.Cursor = seq, s.from.Cursor(seq)
}

// save writes the progress.
func (s *sender) save() error {
	if err := s.write(s.file); err != nil {
		return message.Wrap(err, "notify.keep", message.String("file", s.file))
	}
	s.saved, s.unsaved = time.Now(), false
	return nil
}

// note notes how many events are in sums.
func (s *sender) note() {
	held := int64(0)
	for _, one := range []*sum{s.Gather, s.Sending} {
		if one != nil {
			held += one.total()
		}
	}
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
}

func (s *sender) succeeded() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Sent++
	s.stats.LastSent, s.stats.Error, s.stats.Since, s.stats.Failed, s.stats.State = &now, nil, nil, 0, "ok"
}

// dealt notes that the event seq, which may have been counted as waiting, was told or summed up.
func (s *sender) dealt(seq int64, reason why) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.ahead && s.waiting > 0 {
		s.waiting--
	}
	if seq >= s.ahead {
		s.more = false
	}
	if reason != "" {
		s.stats.Summed++
	}
}

func (s *sender) failed(err error) {
	now, said := time.Now(), message.Of(err).Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	s.stats.Failed++
	s.stats.Error, s.stats.State = &said, "failing"
	if s.stats.Since == nil {
		s.stats.Since = &now
		s.log.Warn("a receiver cannot be told", "err", err)
	}
}

// state returns how far the sender is. It may be called from any goroutine.
func (s *sender) state() hubapi.Sender {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Waiting, out.More = s.held+s.waiting, s.more
	return out
}

// failures returns how many tries have failed. It may be called from any goroutine.
func (s *sender) failures() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}
