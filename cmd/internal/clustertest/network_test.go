package clustertest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// network is what the NATS servers reach each other through: a proxy for each of them to each other one.
type network struct {
	t       *testing.T
	listens []string                    // of the servers, for the proxies alone
	proxies map[[2]int]*toxiproxy.Proxy // by who connects, and to whom
	nowhere string                      // an address at which nobody listens
}

func newNetwork(t *testing.T) *network {
	n := &network{t: t, proxies: map[[2]int]*toxiproxy.Proxy{}, nowhere: freeAddress(t)}
	for range parts {
		n.listens = append(n.listens, freeAddress(t))
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for from := range parts {
		for to := range parts {
			if from == to {
				continue
			}
			p := toxiproxy.NewProxy(server, fmt.Sprintf("%d-%d", from, to), freeAddress(t), n.listens[to])
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Stop)
			n.proxies[[2]int{from, to}] = p
		}
	}
	return n
}

// settings returns the cluster's part of a server's settings. Servers tell each other where others are: here, nowhere,
// so that the proxies are the only way.
func (n *network) settings(server int) string {
	var routes []string
	for pair, p := range n.proxies {
		if pair[0] == server {
			routes = append(routes, "nats://"+p.Listen)
		}
	}
	return fmt.Sprintf("cluster {name: lanewarden, listen: %q, advertise: %q, routes: [\"%s\"]}\n",
		n.listens[server], n.nowhere, strings.Join(routes, `", "`))
}

// cut swallows what goes between a server and the others, so that nobody is told of it.
func (n *network) cut(server int) {
	for pair, p := range n.proxies {
		if pair[0] != server && pair[1] != server {
			continue
		}
		for _, stream := range []string{"upstream", "downstream"} {
			toxic := fmt.Sprintf(`{"name":%q,"type":"timeout","stream":%q,"attributes":{"timeout":0}}`, stream, stream)
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				n.t.Error(err)
			}
		}
	}
}

// mend has everything pass again.
func (n *network) mend() {
	for _, p := range n.proxies {
		p.Toxics.ResetToxics(context.Background())
	}
}

// cutOff cuts a NATS server off from the others. Hubs and agents reach all servers still.
func (r *rig) cutOff(server int) {
	r.fault(r.nats[server].name+" cut off", stopTime, func() { r.network.cut(server) }, r.network.mend)
}
