package api

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// GuardHost lets through requests whose Host header is an IP address, localhost or one of names, and answers others
// with 421 (RFC 9110, 15.5.20). A page on another site can make a browser resolve its own name to our address ("DNS rebinding") and
// then read what needs no account; its name still stands in the Host header.
func GuardHost(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownHost(r.Host, names) {
			WriteProblem(w, NewProblem(WrongHost, message.New("api.wrong-host", message.Quoted("host", r.Host))))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func ownHost(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return host == "localhost" || net.ParseIP(host) != nil ||
		slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) })
}
