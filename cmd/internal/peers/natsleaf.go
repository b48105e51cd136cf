package peers

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"lanewarden/drivers/transport/wait"
)

// Settings by docs.nats.io: "JetStream on Leaf Nodes" and "Source and Mirror Streams".
var natsKind = Kind{
	Name: "NATS leaf node",
	Settings: []string{
		"A JetStream domain at each end; the centre's stream sources that of the leaf node by its domain.",
		"File storage, sync_interval at its default of 2 minutes at both ends (a kill loses no page of the system); " +
			"leaf node: reconnect 1s, compression as by default (s2_auto: by round trip).",
		"The source's pause between attempts is not a setting: 10 s more with each failure, 2 minutes at most " +
			"(nats-server, server/stream.go), so that a longer outage makes a later beginning.",
		"Published with acknowledgement (asynchronous, 4,000 under way); the writer pulls and acknowledges each message.",
	},
	Missing: func(context.Context) error { return nil },
	New:     func() Peer { return &natsLeaf{} },
}

// natsLeaf is a NATS server at the lane, a leaf node of one at the centre.
type natsLeaf struct{}

// Names of the streams and of their subject.
const (
	laneStream   = "LANE"
	centreStream = "CENTRE"
	natsSubject  = "lane.observations"
)

// natsConf is what both servers have: name, address, folder, domain.
const natsConf = `
server_name: %[4]s
listen: "%[1]s"
jetstream { store_dir: "%[2]s", domain: %[4]s, max_file_store: 20G }
leafnodes { %[3]s }
`

// Start implements Peer.
func (l *natsLeaf) Start(ctx context.Context, r *rig) error {
	host, port, err := net.SplitHostPort(r.centre)
	if err != nil {
		return err
	}
	// Without no_advertise the lane would learn the centre's own address, and go past the link.
	err = l.server(r, atCentre, r.centreHTTP, fmt.Sprintf("host: %s, port: %s, no_advertise: true", host, port))
	if err != nil {
		return err
	}
	if err := r.writer("nats://" + r.centreHTTP); err != nil {
		return err
	}
	err = l.server(r, atLane, r.lane, fmt.Sprintf(`reconnect: "1s", remotes: [{url: "nats://%s"}]`, r.link.From))
	if err != nil {
		return err
	}
	err = stream(ctx, r.lane, jetstream.StreamConfig{Name: laneStream, Subjects: []string{natsSubject},
		Storage: jetstream.FileStorage})
	if err != nil {
		return err
	}
	return stream(ctx, r.centreHTTP, jetstream.StreamConfig{Name: centreStream, Storage: jetstream.FileStorage,
		Sources: []*jetstream.StreamSource{{Name: laneStream, Domain: atLane}}})
}

// server starts a server.
func (l *natsLeaf) server(r *rig, where, address, leafnodes string) error {
	conf := r.path(where + ".conf")
	text := fmt.Sprintf(natsConf, address, r.path(where), leafnodes, where)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := r.part(where, "nats-server "+where, r.bin+"/nats-server", []string{"-c", conf})
	return err
}

// jetStreamAt connects to a server that may still be starting.
func jetStreamAt(address string) (*nats.Conn, jetstream.JetStream, error) {
	c, err := nats.Connect("nats://"+address, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(writerRetry))
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(c, jetstream.WithPublishAsyncMaxPending(4000))
	return c, js, err
}

// stream makes a stream at a server that may still be starting.
func stream(ctx context.Context, address string, config jetstream.StreamConfig) error {
	c, js, err := jetStreamAt(address)
	if err != nil {
		return err
	}
	defer c.Close()
	for begin := time.Now(); ; {
		if _, err = js.CreateStream(ctx, config); err == nil || time.Since(begin) > proofTime {
			return err
		}
		if err := wait.For(ctx, writerRetry); err != nil {
			return err
		}
	}
}

// Fill implements Peer.
func (l *natsLeaf) Fill(ctx context.Context, r *rig, from, to int) error {
	c, js, err := jetStreamAt(r.lane)
	if err != nil {
		return err
	}
	defer c.Close()
	for ; from < to; from++ {
		b, err := payload(numbered(from))
		if err != nil {
			return err
		}
		if _, err := js.PublishAsync(natsSubject, b, jetstream.WithStallWait(proofTime)); err != nil {
			return err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Arrivals implements Peer.
func (l *natsLeaf) Arrivals(r *rig) (arrivals, error) { return openLog(r.log(), payloadTime) }
