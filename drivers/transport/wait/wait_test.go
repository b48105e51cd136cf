package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if err := For(t.Context(), time.Minute); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		reason := errors.New("somebody hung up")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		begin = time.Now()
		if err := For(ctx, time.Minute); !errors.Is(err, reason) || time.Since(begin) != time.Second {
			t.Errorf("waited %s, %v", time.Since(begin), err)
		}
		if err := For(ctx, -time.Second); err == nil {
			t.Error("a context that has ended is no reason to go on")
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBackoff(time.Second, 10*time.Second)
		pause := func() time.Duration {
			begin := time.Now()
			if err := b.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(begin)
		}
		for range 3 {
			for _, about := range []time.Duration{1, 2, 4, 8, 10, 10} {
				about *= time.Second
				if got := pause(); got < about/2 || got > about*3/2 {
					t.Errorf("a pause of %s, about %s expected", got, about)
				}
			}
			b.Reset()
		}
	})
}
