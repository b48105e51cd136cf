package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/tokens"
)

// httpsClient returns a client that trusts a certificate, and shows those that are given.
func httpsClient(t testing.TB, ca string, own ...tls.Certificate) *http.Client {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: own}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// issued returns a client certificate with a common name, by the authority of selfSigned.
func issued(t *testing.T, cert, key, commonName string) tls.Certificate {
	t.Helper()
	ca, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: commonName}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca.Leaf, private.Public(), ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// holders writes a tokens file with a token for each scope, named after it, and certificate holders; it returns the file
// and the tokens.
func holders(t *testing.T, byCertificate ...tokens.Holder) (file string, all map[api.Scope]string) {
	t.Helper()
	file, all = filepath.Join(t.TempDir(), "tokens"), map[api.Scope]string{}
	list := byCertificate
	for _, s := range api.Scopes() {
		token, hash := tokens.New()
		all[s] = token
		list = append(list, tokens.Holder{Name: string(s), Scopes: []api.Scope{s}, Hash: hash})
	}
	if err := tokens.Write(file, list); err != nil {
		t.Fatal(err)
	}
	return file, all
}

// Each operation of the table is refused without a token, and with one that lacks its scope; it is there for those who
// have it and for admins. What needs no scope is there for all.
func TestScopes(t *testing.T) {
	file, all := holders(t)
	o := start(t, Options{HTTPTokens: file})
	ask := func(route *api.Route, set func(*http.Request)) int {
		path := strings.ReplaceAll(route.Path(), "{sha256}", strings.Repeat("0", 64))
		r, err := http.NewRequestWithContext(t.Context(), route.Method(), "http://"+o.HTTP+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		set(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: no challenge: %v", route.Pattern, resp.Header)
		}
		return resp.StatusCode
	}
	refused := func(code int) bool { return code == http.StatusUnauthorized || code == http.StatusForbidden }
	for _, operation := range hubapi.Operations() {
		route, _, _ := operation.Describe()
		anonymous := ask(route, func(*http.Request) {})
		if (anonymous == http.StatusUnauthorized) != (route.Scope != "") {
			t.Errorf("%s without a token: %d", route.Pattern, anonymous)
		}
		if code := ask(route, func(r *http.Request) { r.Header.Set("Authorization", "Bearer guessed") }); route.Scope != "" &&
			code != http.StatusUnauthorized {
			t.Errorf("%s with a token of nobody: %d", route.Pattern, code)
		}
		for scope, token := range all {
			may := route.Scope == "" || scope == route.Scope || scope == api.ScopeAdmin
			for how, set := range map[string]func(*http.Request){
				"bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
				"basic":  func(r *http.Request) { r.SetBasicAuth("anyone", token) },
			} {
				if code := ask(route, set); refused(code) == may || !may && code != http.StatusForbidden {
					t.Errorf("%s with a %s token of scope %s: %d", route.Pattern, how, scope, code)
				}
			}
		}
	}
}

// A page of another site cannot have a browser that knows a token change anything.
func TestOtherSitesMayNotAct(t *testing.T) {
	file, all := holders(t)
	o := start(t, Options{HTTPTokens: file})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+o.HTTP+"/v1/artifacts/"+strings.Repeat("0", 64)+"/pull", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("", all[api.ScopeAdmin])
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("%d", resp.StatusCode)
	}
}

// Over TLS a client certificate stands for the holder that its common name is.
func TestHTTPClientCertificate(t *testing.T) {
	cert, key := selfSigned(t)
	file, all := holders(t, tokens.Holder{Name: "ops", Scopes: []api.Scope{api.ScopeFleet}})
	o := start(t, Options{HTTPCert: cert, HTTPKey: key, HTTPTokens: file, HTTPClientCA: cert})
	otherCert, otherKey := selfSigned(t)
	for name, c := range map[string]struct {
		client *http.Client
		token  string
		want   int
	}{
		"nobody":                     {client: httpsClient(t, cert), want: http.StatusUnauthorized},
		"token":                      {client: httpsClient(t, cert), token: all[api.ScopeFleet], want: http.StatusOK},
		"certificate":                {client: httpsClient(t, cert, issued(t, cert, key, "ops")), want: http.StatusOK},
		"a name that is not there":   {client: httpsClient(t, cert, issued(t, cert, key, "eve")), want: http.StatusUnauthorized},
		"a name that has a token":    {client: httpsClient(t, cert, issued(t, cert, key, "fleet")), want: http.StatusUnauthorized},
		"of another authority":       {client: httpsClient(t, cert, issued(t, otherCert, otherKey, "ops"))},
		"a wrong token counts first": {client: httpsClient(t, cert, issued(t, cert, key, "ops")), token: "x", want: http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+o.HTTP+"/v1/agents", nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			resp, err := c.client.Do(r)
			if err != nil {
				if c.want != 0 {
					t.Error(err)
				}
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("%d, want %d", resp.StatusCode, c.want)
			}
		})
	}
}

func TestHTTPRefusesToBeOpenToAll(t *testing.T) {
	file, _ := holders(t)
	cert, key := selfSigned(t)
	for name, c := range map[string]struct {
		o     Options
		fault string
	}{
		"localhost":           {o: Options{HTTP: "127.0.0.1:0"}},
		"localhost by name":   {o: Options{HTTP: "localhost:0"}},
		"localhost, version6": {o: Options{HTTP: "[::1]:0"}},
		"all in order":        {o: Options{HTTP: "0.0.0.0:0", HTTPCert: cert, HTTPKey: key, HTTPTokens: file}},
		"no TLS":              {o: Options{HTTP: "0.0.0.0:0", HTTPTokens: file}, fault: "--http-cert"},
		"no tokens":           {o: Options{HTTP: ":8490", HTTPCert: cert, HTTPKey: key}, fault: "--http-tokens"},
		"another name":        {o: Options{HTTP: "hub.example:8490"}, fault: "can be reached from other machines"},
		"a file that is away": {o: Options{HTTP: "127.0.0.1:0", HTTPTokens: file + "x"}, fault: "no such file"},
		"an authority alone":  {o: Options{HTTP: "127.0.0.1:0", HTTPClientCA: cert}, fault: "--http-client-ca needs"},
		"no address":          {o: Options{HTTP: "hub.example"}, fault: "is not an address"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newAccess(&c.o); (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%v, want %q", err, c.fault)
			}
		})
	}
}
