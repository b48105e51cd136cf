package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
	"lanewarden/sync/wire/layout"
)

// inquirer asks the centre whether containers in transit were at their exit before, and journals that they were. A lane
// alone cannot know it; without a link it decides by its list. The answer can only make a decision stricter, so that it
// needs no signature beside that of the link.
type inquirer struct {
	journal *journal.Journal
	log     *slog.Logger
	ask     func(layout.Seen) // nil while nothing comes from the centre
	answers chan answer

	mu    sync.Mutex
	asked map[string]*inquiry // by the question's name
}

// inquiry is a question about a container of a presentation.
type inquiry struct {
	presentation string
	last         time.Time // when it was asked
	tries        int
	answered     bool
}

type answer struct {
	question layout.Seen
	said     []byte
}

// A question is asked again after askAgain, askTries times in all. A container that was at the exit within ownVisit of the
// presentation's beginning is this one.
const (
	askAgain     = 5 * time.Second
	askTries     = 4
	ownVisit     = 15 * time.Minute
	maxInquiries = 256 // that are remembered
	maxAnswers   = 16  // that wait; more are asked for again
)

func newInquirer(j *journal.Journal, log *slog.Logger) *inquirer {
	return &inquirer{journal: j, log: log, asked: map[string]*inquiry{}, answers: make(chan answer, maxAnswers)}
}

// look asks about the containers in transit of a presentation, by the lists of its decision. It does not wait.
func (q *inquirer) look(in *clearance.Input, d *clearance.Decision, l clearance.Lists) {
	if q.ask == nil {
		return
	}
	for i := range d.Shipments {
		row, found, err := l.Transit(d.Shipments[i].Container)
		if err != nil || !found {
			continue // the decision says so
		}
		question := layout.Seen{
			Container: row.Container, Site: row.ExitSite, From: row.LeftAt, Before: in.Presented.Begun.Add(-ownVisit),
		}
		if q.due(question, in.Presented.ID, in.Now) {
			q.ask(question)
		}
	}
}

// due reports whether a question is to be asked now, and notes that it is.
func (q *inquirer) due(question layout.Seen, presentation string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.asked[question.Name()]
	if one == nil {
		if len(q.asked) >= maxInquiries {
			clear(q.asked)
		}
		one = &inquiry{presentation: presentation}
		q.asked[question.Name()] = one
	}
	if one.answered || one.tries >= askTries || now.Sub(one.last) < askAgain {
		return false
	}
	one.last, one.tries = now, one.tries+1
	return true
}

// presentationOf returns the presentation of a question that waits for its answer; ok is false for any other.
func (q *inquirer) presentationOf(question layout.Seen) (id string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.asked[question.Name()]
	if one == nil || one.answered {
		return "", false
	}
	one.answered = true
	return one.presentation, true
}

// take takes what the centre says. It does not wait.
func (q *inquirer) take(question layout.Seen, said []byte) {
	select {
	case q.answers <- answer{question, said}:
	default:
	}
}

// run journals answers until ctx ends, and returns nil.
func (q *inquirer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-q.answers:
			if err := q.note(ctx, a); err != nil && ctx.Err() == nil {
				q.log.Error("what the centre says of a container is not journalled", "container", a.question.Container, "err", err)
			}
		}
	}
}

// note journals an answer, unless it says nothing or nobody asked.
func (q *inquirer) note(ctx context.Context, a answer) error {
	presentation, ok := q.presentationOf(a.question)
	if !ok || len(a.said) == 0 {
		return nil
	}
	seen := &observation.ClearanceSeen{}
	if err := proto.Unmarshal(a.said, seen); err != nil {
		return err
	}
	seen.Presentation, seen.Container = presentation, a.question.Container
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), seen)
	o.Device = observation.AgentDevice
	_, err := q.journal.Commit(ctx, o)
	return err
}
