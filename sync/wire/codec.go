// Package wire is the contract with the outside: what agents and hub say over MQTT. Messages go in, zstd frames with a
// shared dictionary come out, and the other way round; topics are named. docs/wire.md.
package wire

import (
	_ "embed"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"
)

// MaxPayload bounds an MQTT payload. Brokers are set up for a megabyte.
const MaxPayload = 1 << 20

// maxMessage bounds a payload when it is unpacked.
const maxMessage = MaxBodies + 2<<20

// dictionary is shared by both sides, so that even a single small observation compresses. Made by gendict.
//
//go:embed dictionary.bin
var dictionary []byte

// window is the encoder's; larger ones cost memory at the lane and win nothing on batches of this size.
const window = 256 << 10

// Codec packs and unpacks payloads. Its methods may be called from several goroutines.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec returns a codec with the shared dictionary. Close releases it.
func NewCodec() (*Codec, error) { return newCodec(dictionary) }

func newCodec(dict []byte) (*Codec, error) {
	encoderOptions := []zstd.EOption{
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false), // TCP has a checksum, and the evidence log a better one
		zstd.WithEncoderLevel(zstd.SpeedDefault),
	}
	decoderOptions := []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxMessage), zstd.WithDecoderLowmem(true)}
	if dict != nil {
		encoderOptions = append(encoderOptions, zstd.WithEncoderDict(dict))
		decoderOptions = append(decoderOptions, zstd.WithDecoderDicts(dict))
	}
	enc, err := zstd.NewWriter(nil, encoderOptions...)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	dec, err := zstd.NewReader(nil, decoderOptions...)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return &Codec{enc: enc, dec: dec}, nil
}

// Close releases the codec's memory.
func (c *Codec) Close() error {
	c.dec.Close()
	return c.enc.Close()
}

// Encode packs a message into one payload. A payload over MaxPayload is an error.
func (c *Codec) Encode(m proto.Message) ([]byte, error) {
	raw, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	out := c.enc.EncodeAll(raw, nil)
	if len(out) > MaxPayload {
		return nil, fmt.Errorf("wire: %s of %d bytes is over the limit of %d", m.ProtoReflect().Descriptor().Name(), len(out), MaxPayload)
	}
	return out, nil
}

// Decode unpacks a payload into m. What it costs in memory is bounded by maxMessage, whatever the
// payload says.
func (c *Codec) Decode(payload []byte, m proto.Message) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("wire: payload of %d bytes is over the limit of %d", len(payload), MaxPayload)
	}
	raw, err := c.dec.DecodeAll(payload, nil)
	if err != nil {
		return fmt.Errorf("wire: payload of %d bytes: %w", len(payload), err)
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return fmt.Errorf("wire: payload of %d bytes: %w", len(payload), err)
	}
	return nil
}

// UnpackedSize returns the size of a payload when it is unpacked, in bytes, as its frame says; that bound for all when
// the frame does not say. A frame that says too little is refused when it is decoded.
func UnpackedSize(payload []byte) int64 {
	var frame zstd.Header
	if err := frame.Decode(payload); err != nil || !frame.HasFCS || frame.FrameContentSize > maxMessage {
		return maxMessage
	}
	return int64(frame.FrameContentSize)
}
