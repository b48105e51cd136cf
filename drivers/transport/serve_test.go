package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A request that is being answered when the server is to stop is answered whole, on each of two listeners; new
// connections are refused.
func TestServeHTTP(t *testing.T) {
	begun, goOn := make(chan struct{}, 2), make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-goOn
		io.WriteString(w, "whole")
	})}
	ctx, cancel := context.WithCancel(t.Context())
	served, answers := make(chan error, 2), make(chan string, 2)
	var addresses []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, l.Addr().String())
		go func() { served <- ServeHTTP(ctx, srv, l, time.Minute) }()
		go func() {
			resp, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			answers <- string(text)
		}()
		<-begun
	}
	cancel()
	for _, a := range addresses {
		for begin := time.Now(); ; <-time.After(time.Millisecond) {
			c, err := net.Dial("tcp", a)
			if err != nil {
				break
			}
			c.Close()
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("%s is still open", a)
			}
		}
	}
	close(goOn)
	for range 2 {
		if text := <-answers; text != "whole" {
			t.Errorf("answer %q", text)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}
