package hub

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// lines keeps a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A hub that starts and is well has nothing to warn of.
func TestStartWithoutWarnings(t *testing.T) {
	log := &lines{}
	start(t, Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if s := log.String(); s != "" {
		t.Error(s)
	}
}
