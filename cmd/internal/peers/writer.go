package peers

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/transport/wait"
)

// The writer is a process of its own, so that it can be killed as the peers' own parts are: the program that runs the
// comparison starts itself again with writerVariable set to the source of what it is to write, and the log's path
// behind a space.
const writerVariable = "LANEWARDEN_PEERS_WRITER"

// RunWriter runs the writer when this process was started as one, until ctx ends; is reports whether it was.
func RunWriter(ctx context.Context) (is bool, err error) {
	var source, path string
	if _, err := fmt.Sscanf(os.Getenv(writerVariable), "%s %s", &source, &path); err != nil {
		return false, nil
	}
	s, err := openStore(path)
	if err != nil {
		return true, err
	}
	u, err := url.Parse(source)
	if err != nil {
		return true, err
	}
	switch u.Scheme {
	case "mqtt":
		return true, writeMQTT(ctx, s, u.Host)
	case "nats":
		return true, writeNATS(ctx, s, u.Host)
	case "http":
		return true, writeHTTP(ctx, s, u.Host)
	}
	return true, fmt.Errorf("%s: the writer reads mqtt, nats and http", source)
}

// arrived is a message that the writer has, and how to acknowledge it.
type arrived struct {
	payload []byte
	ack     func() error
}

const (
	// groupMost is how many messages the writer commits together at most: as many as have come while it committed
	// the last ones.
	groupMost = 4096
	// writerRetry is between two attempts to reach a broker.
	writerRetry = 200 * time.Millisecond
)

// writeGroups commits what comes in groups, and acknowledges each message then.
func writeGroups(ctx context.Context, s *store, in <-chan arrived) error {
	group := make([]arrived, 0, groupMost)
	for {
		group = group[:0]
		select {
		case <-ctx.Done():
			return nil
		case m := <-in:
			group = append(group, m)
		}
		for more := true; more && len(group) < groupMost; {
			select {
			case m := <-in:
				group = append(group, m)
			default:
				more = false
			}
		}
		for _, m := range group {
			s.add(m.payload)
		}
		if err := s.commit(); err != nil {
			return err
		}
		for _, m := range group {
			_ = m.ack() // one that fails is of a lost connection: the broker delivers again
		}
	}
}

// writeMQTT subscribes with a session that the broker keeps (QoS 1, clean session off): what is not acknowledged is
// delivered again.
func writeMQTT(ctx context.Context, s *store, address string) error {
	in := make(chan arrived, groupMost)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID("writer").SetCleanSession(false).
		SetAutoAckDisabled(true).SetConnectRetry(true).SetConnectRetryInterval(writerRetry).
		SetMaxReconnectInterval(writerRetry)
	deliver := func(_ mqtt.Client, m mqtt.Message) {
		select {
		case in <- arrived{m.Payload(), func() error { m.Ack(); return nil }}:
		case <-ctx.Done():
		}
	}
	o.SetDefaultPublishHandler(deliver)
	o.SetOnConnectHandler(func(c mqtt.Client) { c.Subscribe(topic, 1, deliver) })
	c := mqtt.NewClient(o)
	c.Connect()
	defer c.Disconnect(0)
	return writeGroups(ctx, s, in)
}

// writeNATS pulls from the centre's stream by a durable consumer. Each message is acknowledged: a cumulative
// acknowledgement would cover those that a writer had which was killed.
func writeNATS(ctx context.Context, s *store, address string) error {
	c, err := nats.Connect("nats://"+address, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(writerRetry))
	if err != nil {
		return err
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		return err
	}
	in := make(chan arrived, groupMost)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for ctx.Err() == nil {
			pullNATS(ctx, js, in)
		}
		return nil
	})
	g.Go(func() error { return writeGroups(ctx, s, in) })
	return g.Wait()
}

// pullNATS pulls until ctx ends or an error, of a server that went or is not there yet, and waits a moment then.
func pullNATS(ctx context.Context, js jetstream.JetStream, in chan<- arrived) {
	defer func() { _ = wait.For(ctx, writerRetry) }() // an end of ctx ends the loop of the caller
	consumer, err := js.CreateOrUpdateConsumer(ctx, centreStream, jetstream.ConsumerConfig{
		Durable: "writer", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 16 * groupMost,
		AckWait: 10 * time.Second,
	})
	if err != nil {
		return
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2*groupMost), jetstream.PullExpiry(2*time.Second),
		jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return
		}
		select {
		case in <- arrived{m.Data(), m.Ack}:
		case <-ctx.Done():
			return
		}
	}
}

// writeHTTP takes lines that Telegraf posts, and answers when they are durable.
func writeHTTP(ctx context.Context, s *store, address string) error {
	turn := make(chan struct{}, 1) // requests are committed one after the other
	server := &http.Server{Addr: address, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn <- struct{}{}
		defer func() { <-turn }()
		if err := storeLines(s, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// storeLines commits the lines of a request.
func storeLines(s *store, r *http.Request) error {
	body, err := gzip.NewReader(r.Body)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(body); ; {
		if !lines.Scan() {
			return errors.Join(lines.Err(), s.commit())
		}
		s.add(lines.Bytes())
	}
}

// fdatasync makes what was written durable, as SQLite does it for the ledger.
func fdatasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
