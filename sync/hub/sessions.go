package hub

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxSessions bounds, in bytes, what the broker keeps in memory of connected agents, and again of their states, which
// are retained (some 500 bytes, 64 KiB at most): the newest stay. Nobody needs either of them: agents have clean
// sessions, and the hub remembers the states that came.
const maxSessions = 32 << 20

// mqttStreams are the streams in which the broker keeps sessions, retained messages and what of QoS 1 and 2 is under
// way (nats-server, server/mqtt.go: names, subjects and policies). It makes those that it does not find when the first
// agent connects, in files.
var mqttStreams = []jetstream.StreamConfig{
	{Name: "$MQTT_sess", Subjects: []string{"$MQTT.sess.>"}, MaxMsgsPerSubject: 1, MaxBytes: maxSessions},
	{Name: "$MQTT_rmsgs", Subjects: []string{"$MQTT.rmsgs.>"}, MaxMsgsPerSubject: 1, MaxBytes: maxSessions},
	{Name: "$MQTT_msgs", Subjects: []string{"$MQTT.msgs.>"}, Retention: jetstream.InterestPolicy},
	{Name: "$MQTT_out", Subjects: []string{"$MQTT.out.>"}, Retention: jetstream.InterestPolicy},
	{Name: "$MQTT_qos2in", Subjects: []string{"$MQTT.qos2.in.>"}, MaxMsgsPerSubject: 1,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true},
}

// keepSessionsInMemory makes the broker's streams before it does, in memory: no write of a file can fail then, and no
// full disk stops the broker. It is to be called before the first agent is let in.
func keepSessionsInMemory(ctx context.Context, conn *nats.Conn) (err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	for _, s := range mqttStreams {
		s.Storage = jetstream.MemoryStorage
		_, failed := js.CreateStream(ctx, s)
		err = errors.Join(err, failed)
	}
	return err
}
