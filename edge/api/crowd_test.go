package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// More senders than there may be connections begin a request and do not go on: an honest one is answered all the same, and
// one whose answer is under way is not thrown out for them.
func TestCrowd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hold, holding := make(chan struct{}), make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(holding)
			<-hold
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "%d bytes", len(body))
	})}
	NewCrowd(8, 1000, time.Minute).Bound(srv)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	defer func() { srv.Close(); <-done }()
	url, client := "http://"+l.Addr().String(), &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer := make(chan string, 1)
	ask := func(path, body string) string {
		resp, err := client.Post(url+path, "text/plain", strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(text)))
	}
	go func() { answer <- ask("/slow", "hello") }()
	<-holding
	for name, beginning := range map[string]string{
		"heads":  "POST / HTTP/1.1\r\nX-Slow: ",
		"bodies": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nx",
		"none":   "",
	} {
		for range 30 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, beginning)
		}
		if got := ask("/", "hello"); got != "200 5 bytes" {
			t.Errorf("behind slow %s: %s", name, got)
		}
	}
	if got := ask("/", strings.Repeat("x", 2000)); !strings.HasPrefix(got, "413 ") {
		t.Errorf("a large body: %s", got)
	}
	close(hold)
	if got := <-answer; got != "200 5 bytes" {
		t.Errorf("the one that was being answered: %s", got)
	}
}
