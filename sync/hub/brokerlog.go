package hub

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// replacedEvery is how often the hub says how many connections were replaced.
const replacedEvery = 5 * time.Second

// brokerLog passes the broker's log on. Its notices are for debugging: what an administrator needs is in the hub's own
// log.
type brokerLog struct {
	log      *slog.Logger
	replaced atomic.Int64 // connections of agents that connected again, since the last line
}

// replacedWarning is in what the broker warns of each agent that connects while its connection from before is not closed:
// thousands of lines when all agents come back at once.
const replacedWarning = "Replacing old client"

// run says every replacedEvery how many connections were replaced, if any, until ctx ends. It returns ctx's error.
func (l *brokerLog) run(ctx context.Context) error {
	t := time.NewTicker(replacedEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			if n := l.replaced.Swap(0); n > 0 {
				l.log.Warn("agents connected again before their connections from before were closed", "connections", n)
			}
		}
	}
}

// Warnf implements server.Logger, as the others do.
func (l *brokerLog) Warnf(f string, v ...any) {
	if strings.Contains(f, replacedWarning) {
		l.replaced.Add(1)
		return
	}
	l.log.Warn("broker", "text", fmt.Sprintf(f, v...))
}
func (l *brokerLog) Noticef(f string, v ...any) { l.log.Debug("broker", "text", fmt.Sprintf(f, v...)) }
func (l *brokerLog) Fatalf(f string, v ...any)  { l.log.Error("broker", "text", fmt.Sprintf(f, v...)) }
func (l *brokerLog) Errorf(f string, v ...any)  { l.log.Error("broker", "text", fmt.Sprintf(f, v...)) }
func (l *brokerLog) Debugf(string, ...any)      {}
func (l *brokerLog) Tracef(string, ...any)      {}
