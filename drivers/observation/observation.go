// Package observation is the vocabulary of the house: the protobuf schema of everything a lane device or the agent can
// observe, and its Go types. Drivers make Observations; journal, wire, hub and other programs read the same bytes.
package observation

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// AgentDevice is the device id under which the agent observes itself.
const AgentDevice = "agent"

// MaxBodyBytes bounds one observation's encoded body. Larger things are artifacts.
const MaxBodyBytes = 1 << 20

// PerClass has a value for each class, which is its index. That of the class 0, which stands for none, is not used.
type PerClass[T any] [Class_CLASS_TELEMETRY + 1]T

// Classes lists all classes in the order in which they leave the lane.
var Classes = []Class{Class_CLASS_ALARM, Class_CLASS_EVENT, Class_CLASS_TELEMETRY}

// ofField is Body's oneof. The generated descriptors are set up in init, after package variables, hence the Once.
var ofField = sync.OnceValue(func() protoreflect.OneofDescriptor {
	return (*Body)(nil).ProtoReflect().Descriptor().Oneofs().ByName("of")
})

// bodyTypes maps each typed body's message to its field in Body.
var bodyTypes = sync.OnceValue(func() map[protoreflect.FullName]protoreflect.FieldDescriptor {
	m := map[protoreflect.FullName]protoreflect.FieldDescriptor{}
	fields := ofField().Fields()
	for i := range fields.Len() {
		m[fields.Get(i).Message().FullName()] = fields.Get(i)
	}
	return m
})

// New makes an observation of a typed body (one of the messages in Body's oneof) at phenomenon time t. A message that is
// no typed body makes an observation of unspecified kind, which the journal refuses.
func New(class Class, t time.Time, of proto.Message) *Observation {
	body := &Body{}
	if f, ok := bodyTypes()[of.ProtoReflect().Descriptor().FullName()]; ok {
		body.ProtoReflect().Set(f, protoreflect.ValueOfMessage(of.ProtoReflect()))
	}
	return &Observation{Class: class, TimeNs: t.UnixNano(), Body: body}
}

// Kind returns the kind of the typed body that b carries; KIND_UNSPECIFIED when it carries none.
func (b *Body) Kind() Kind {
	if f := b.ProtoReflect().WhichOneof(ofField()); f != nil {
		return Kind(f.Number())
	}
	return Kind_KIND_UNSPECIFIED
}

// Typed returns the typed body that b carries, or nil.
func (b *Body) Typed() proto.Message {
	r := b.ProtoReflect()
	if f := r.WhichOneof(ofField()); f != nil {
		return r.Get(f).Message().Interface()
	}
	return nil
}

// Name returns a kind's name as people and other programs see it, "radiation.occupancy"; "kind-N" for one that this
// version does not know.
func (k Kind) Name() string {
	n, ok := Kind_name[int32(k)]
	if !ok {
		return fmt.Sprintf("kind-%d", int32(k))
	}
	return strings.Replace(strings.ToLower(strings.TrimPrefix(n, "KIND_")), "_", ".", 1)
}

// Name returns a class's name as people and other programs see it: alarm, event or telemetry.
func (c Class) Name() string {
	return strings.ToLower(strings.TrimPrefix(c.String(), "CLASS_"))
}

// ParseClass is the inverse of Class.Name.
func ParseClass(s string) (Class, error) {
	for _, c := range Classes {
		if c.Name() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("class %q is not one of alarm, event, telemetry", s)
}

// Time returns the phenomenon time.
func (o *Observation) Time() time.Time { return time.Unix(0, o.TimeNs).UTC() }

// Hex returns the artifact's name: its SHA-256 in lower-case hex.
func (a *Artifact) Hex() string { return fmt.Sprintf("%x", a.GetSha256()) }

// artifactsField is the number of Body.artifacts.
const artifactsField = 5

// ArtifactsIn returns the artifacts that an encoded Body names, without decoding the rest of it.
func ArtifactsIn(body []byte) (out []*Artifact, err error) {
	for len(body) > 0 {
		field, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return nil, fmt.Errorf("body: %w", protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(field, kind, body[n:])
		if size < 0 {
			return nil, fmt.Errorf("body: %w", protowire.ParseError(size))
		}
		if field == artifactsField && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(body[n:])
			a := &Artifact{}
			if err := proto.Unmarshal(value, a); err != nil {
				return nil, fmt.Errorf("body: %w", err)
			}
			out = append(out, a)
		}
		body = body[n+size:]
	}
	return out, nil
}
