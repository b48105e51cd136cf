package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuardHost(t *testing.T) {
	h := GuardHost([]string{"Hub.example"}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for host, want := range map[string]int{
		"127.0.0.1:8490": http.StatusTeapot, "localhost": http.StatusTeapot, "localhost.:80": http.StatusTeapot, "[::1]:8490": http.StatusTeapot,
		"::1": http.StatusTeapot, "10.0.0.4": http.StatusTeapot, "hub.example:443": http.StatusTeapot, "HUB.EXAMPLE": http.StatusTeapot,
		"evil.example": http.StatusMisdirectedRequest, "evil.example:8490": http.StatusMisdirectedRequest, "localhost.evil.example": http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest, "hub.example.evil": http.StatusMisdirectedRequest,
	} {
		r, w := httptest.NewRequest(http.MethodGet, "/v1/feed", nil), httptest.NewRecorder()
		r.Host = host
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
}
