package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener is a network of pipes, whose time a test rules.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// serve runs an endpoint that reads its documents whole.
func serve(t *testing.T) (l *pipeListener, stop func()) {
	t.Helper()
	e := &endpoint{HTTP: HTTP{Path: "/", MaxBytes: 1 << 20}, places: newPlaces(maxRequests),
		handle: func(_ context.Context, d Document) error {
			_, err := io.Copy(io.Discard, d.Body)
			return err
		}}
	l = &pipeListener{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{Handler: e, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	return l, func() {
		close(l.done)
		srv.Close()
		<-ended
		<-time.After(time.Minute) // of the bubble: the server lingers on connections that it refuses
	}
}

// post sends a document of size bytes of which a part is held back, and returns the connection.
func post(t *testing.T, l *pipeListener, size, sent int) net.Conn {
	t.Helper()
	c := l.dial()
	if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: lane\r\nContent-Length: %d\r\n\r\n%s", size,
		strings.Repeat("x", sent)); err != nil {
		t.Fatal(err)
	}
	return c
}

func answerOf(t *testing.T, c net.Conn) (int, string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// TestNinthSenderPassesEightSlowOnes hangs eight posts; the next sender is answered within 2 s, and one of the slow
// ones is told why.
func TestNinthSenderPassesEightSlowOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := serve(t)
		var slow []net.Conn
		for range maxRequests {
			slow = append(slow, post(t, l, 3*early, 2*early))
		}
		synctest.Wait()
		begin := time.Now()
		c := post(t, l, 10, 10)
		if code, text := answerOf(t, c); code != http.StatusOK || time.Since(begin) > 2*time.Second {
			t.Errorf("%d %q after %s", code, text, time.Since(begin))
		}
		c.Close()
		told := make(chan string, maxRequests)
		for _, c := range slow {
			go func() {
				r, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					return
				}
				defer r.Body.Close()
				text, _ := io.ReadAll(r.Body)
				told <- fmt.Sprint(r.StatusCode, " ", string(text))
			}()
		}
		if got := <-told; !strings.HasPrefix(got, "408 ") || !strings.Contains(got, "others waited") {
			t.Errorf("the slow sender got %q", got)
		}
		for _, c := range slow {
			c.Close()
		}
		stop()
	})
}

// TestFloor sends one byte a second: below the floor it is refused, alone or not, once its grace is over.
func TestFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := serve(t)
		c := post(t, l, 1<<20, 1)
		begin := time.Now()
		go func() {
			for {
				<-time.After(time.Second)
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		code, text := answerOf(t, c)
		if took := time.Since(begin); code != http.StatusRequestTimeout || !strings.Contains(text, "floor") ||
			took < floorGrace || took > 2*floorGrace {
			t.Errorf("%d %q after %s", code, text, time.Since(begin))
		}
		c.Close()
		stop()
	})
}

// TestPatienceWithASteadySender sends at twice the floor for longer than the grace: it is heard out.
func TestPatienceWithASteadySender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := serve(t)
		const size = 60 * 2 * floorBytes
		c := post(t, l, size, 0)
		go func() {
			for range 60 {
				<-time.After(time.Second)
				if _, err := c.Write(make([]byte, 2*floorBytes)); err != nil {
					t.Error(err)
				}
			}
		}()
		if code, text := answerOf(t, c); code != http.StatusOK {
			t.Errorf("%d %q", code, text)
		}
		c.Close()
		stop()
	})
}

// TestDribblersHoldNoPlace hangs two hundred posts at their beginning; a document that comes whole is answered at once.
func TestDribblersHoldNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := serve(t)
		var slow []net.Conn
		for range 200 {
			slow = append(slow, post(t, l, 3*early, 10))
		}
		synctest.Wait()
		begin := time.Now()
		c := post(t, l, 10, 10)
		if code, text := answerOf(t, c); code != http.StatusOK || time.Since(begin) != 0 {
			t.Errorf("%d %q after %s", code, text, time.Since(begin))
		}
		for _, c := range append(slow, c) {
			c.Close()
		}
		stop()
	})
}

// TestFastSendersAreNotSentAway fills all places with documents whose handler works: the next one waits, and is told
// to try again.
func TestFastSendersAreNotSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1)
		u := &upload{whole: true}
		if ok, _ := p.enterOnce(u); !ok {
			t.Fatal("the first finds no place")
		}
		begin := time.Now()
		if p.enter(t.Context(), &upload{}) || time.Since(begin) != placeWait || u.cut {
			t.Errorf("a second place after %s", time.Since(begin))
		}
		p.leave(u)
		if !p.enter(t.Context(), &upload{}) {
			t.Error("a place that is free is not given")
		}
	})
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 200}, {fmt.Errorf("%w: heartbeat", ErrNothing), 200}, {&BadFileError{errors.New("no")},
			400}, {&BadFileError{&SlowError{"slow"}}, 408},
		{&http.MaxBytesError{Limit: 1}, 413}, {errors.New("disk full"), 503},
	} {
		w := &recorder{header: http.Header{}}
		(&endpoint{}).answer(w, c.err)
		if w.code != c.code {
			t.Errorf("%v: %d, want %d", c.err, w.code, c.code)
		}
	}
}

type recorder struct {
	header http.Header
	code   int
}

func (r *recorder) Header() http.Header  { return r.header }
func (r *recorder) WriteHeader(code int) { r.code = code }
func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return len(p), nil
}
