package plate

import (
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// vendor maps the fields of a read to paths of a maker's payload. A new maker is one more entry. Each field lists
// paths (see node.at), the first that leads to a value is taken; paths are relative to a read, and to the whole
// payload when the read has none.
type vendor struct {
	name string
	// fits reports whether a payload is the maker's.
	fits func(*node) bool
	// idle reports whether it is one that never holds a plate: a heartbeat. nil for none.
	idle func(*node) bool
	// reads leads to the list of reads; "" for the payload itself. each finds them where no path does.
	reads string
	each  func(*node) []*node
	// split finds them too, and says why a payload that fits has none; nil for none.
	split func(*node) (reads []*node, warnings []message.Message, err error)
	// only defines which of the reads are plates; nil for all.
	only func(*node) bool
	// bare reports that a read without the plate's field is a vehicle without plate, and no payload of another kind;
	// nil for none.
	bare func(*node) bool
	// again reports that an event may tell of a vehicle a second time, under the same id: that it goes on, or has left
	// the picture. nil for makes that tell of each vehicle once.
	again func(*node) bool
	// none are words in the plate's place that say that the vehicle has none.
	none []string

	plate, confidence, at, camera, region, direction, vehicle, id []string
	// day and clock are the fields of makes that give the date and the time of day apart.
	day, clock []string
	// percent: confidence goes to 100; without it, values of more than 1 do.
	percent bool
	// heading is the vehicle's direction in the picture, degrees.
	heading []string
	// candidates leads to the other readings of a plate, each with plate and confidence of these names.
	candidates []string
	// box are the left, top, right and bottom edge; corners the list of points with x and y.
	box     [4]string
	corners string
	// pictures are base64 JPEGs, by name.
	pictures []embedded
}

// embedded is a picture within a payload: the name it is kept under, and the path that leads to it.
type embedded struct{ name, path string }

// hasAll is a condition: there is something at each of the paths.
func hasAll(paths ...string) func(*node) bool {
	return func(n *node) bool {
		for _, p := range paths {
			if n.at(p) == nil {
				return false
			}
		}
		return true
	}
}

// is is a condition: the value at a path is one of these, in any case.
func is(path string, values ...string) func(*node) bool {
	return func(n *node) bool {
		v := n.at(path).value()
		for _, one := range values {
			if strings.EqualFold(v, one) {
				return true
			}
		}
		return false
	}
}

func either(conditions ...func(*node) bool) func(*node) bool {
	return func(n *node) bool {
		for _, c := range conditions {
			if c(n) {
				return true
			}
		}
		return false
	}
}

func both(conditions ...func(*node) bool) func(*node) bool {
	return func(n *node) bool {
		for _, c := range conditions {
			if !c(n) {
				return false
			}
		}
		return true
	}
}

// vendors in the order in which they are tried: the more special form first. Sources: docs/protocols/plate.md.
var vendors = []vendor{
	{
		name:       "openalpr",
		fits:       is("data_type", "alpr_group", "heartbeat", "vehicle", "alpr_vehicle"),
		idle:       is("data_type", "heartbeat"),
		bare:       is("data_type", "vehicle", "alpr_vehicle"),
		plate:      []string{"best_plate_number", "best_plate.plate"},
		confidence: []string{"best_confidence", "best_plate.confidence"},
		percent:    true,
		at:         []string{"epoch_start"},
		camera:     []string{"camera_id"},
		region:     []string{"best_region", "best_plate.region"},
		id:         []string{"best_uuid"},
		heading:    []string{"travel_direction"}, vehicle: []string{"vehicle.body_type[0].name"},
		candidates: []string{"candidates[]", "best_plate.candidates[]"}, corners: "best_plate.coordinates[]",
		pictures: []embedded{{"plate.jpg", "best_plate.plate_crop_jpeg"}, {"vehicle.jpg", "vehicle_crop_jpeg"}},
	},
	{ // single frames; an agent that sends groups too is better set to send groups only
		name: "openalpr", fits: is("data_type", "alpr_results"), reads: "results[]",
		plate:      []string{"plate"},
		confidence: []string{"confidence"},
		percent:    true,
		at:         []string{"epoch_time"},
		camera:     []string{"camera_id"},
		region:     []string{"region"},
		id:         []string{"uuid"},
		candidates: []string{"candidates[]"},
		corners:    "coordinates[]",
		pictures:   []embedded{{"plate.jpg", "plate_crop_jpeg"}},
	},
	{
		name:       "verkada",
		fits:       both(is("webhook_type", "lpr"), hasAll("data")),
		plate:      []string{"data.license_plate_number", "data.license_plate"},
		confidence: []string{"data.confidence"},
		at:         []string{"data.created", "created_at"},
		camera:     []string{"data.camera_id"},
		id:         []string{"webhook_id"}, region: []string{"data.license_plate_state", "data.state"},
	},
	{ // Stream's web hook, and the answer of the snapshot API; plate is text, or an object with candidates since 2024
		name: "platerecognizer", fits: hasAll("data.results"), reads: "data.results[]",
		plate:      []string{"plate.props.plate[0].value", "plate"},
		confidence: []string{"plate.props.plate[0].score", "plate.score", "score"},
		at:         []string{"data.timestamp"},
		camera:     []string{"data.camera_id"},
		region:     []string{"plate.props.region[0].value", "region.code"},
		vehicle:    []string{"vehicle.type"},
		heading:    []string{"direction"},
		candidates: []string{"candidates[]", "plate.props.plate[]"},
		box:        [4]string{"box.xmin", "box.ymin", "box.xmax", "box.ymax"},
	},
	{
		name: "platerecognizer",
		fits: both(hasAll("results"), either(hasAll("processing_time"), hasAll("results[].plate"),
			hasAll("camera_id"))),
		reads:      "results[]",
		plate:      []string{"plate.props.plate[0].value", "plate"},
		confidence: []string{"plate.props.plate[0].score", "plate.score", "score"},
		at:         []string{"timestamp"},
		camera:     []string{"camera_id"},
		region:     []string{"plate.props.region[0].value", "region.code"},
		vehicle:    []string{"vehicle.type"},
		heading:    []string{"direction"},
		candidates: []string{"candidates[]", "plate.props.plate[]"},
		box:        [4]string{"box.xmin", "box.ymin", "box.xmax", "box.ymax"},
	},
	hikvision("EventNotificationAlert."), hikvision(""),
	{ // ITSAPI: NotificationInfo/TollgateInfo and KeepAlive
		name:  "dahua",
		fits:  either(hasAll("Picture.Plate"), is("Active", "keepAlive")),
		idle:  is("Active", "keepAlive"),
		plate: []string{"Picture.Plate.PlateNumber"}, confidence: []string{"Picture.Plate.Confidence"}, percent: true,
		at:        []string{"Picture.SnapInfo.AccurateTime", "Picture.SnapInfo.SnapTime"},
		camera:    []string{"Picture.SnapInfo.DeviceID", "Picture.SnapInfo.SnapAddress"},
		region:    []string{"Picture.Plate.Region", "Picture.Plate.Country"},
		direction: []string{"Picture.SnapInfo.Direction"},
		vehicle:   []string{"Picture.Vehicle.VehicleType"},
		id:        []string{"Picture.SnapInfo.TriggerSource"},
		none:      []string{"unknown", "未识别"},
		box: [4]string{"Picture.Plate.BoundingBox[0]", "Picture.Plate.BoundingBox[1]",
			"Picture.Plate.BoundingBox[2]", "Picture.Plate.BoundingBox[3]"},
		pictures: []embedded{
			{"vehicle.jpg", "Picture.NormalPic.Content"}, {"plate.jpg", "Picture.CutoutPic.Content"}, {"body.jpg",
				"Picture.VehiclePic.Content"},
		},
	},
	dahuaEvent("Events[]"), dahuaEvent(""),
	{ // License Plate Verifier, HTTP push
		name: "axis",
		fits: both(either(hasAll("plateText"), hasAll("plateASCII"), hasAll("plateUTF8")),
			either(hasAll("carID"), hasAll("packetCounter"), hasAll("capture_timestamp"), hasAll("sensorProviderID"))),
		plate:      []string{"plateUTF8", "plateText", "plateASCII"},
		confidence: []string{"plateConfidence"}, at: []string{"capture_timestamp", "frame_timestamp", "datetime"},
		camera:    []string{"sensorProviderID", "camera_info.SerialNumber", "camera_info.MACAddress"},
		region:    []string{"plateRegionCode", "plateCountry"},
		direction: []string{"carMoveDirection"},
		vehicle:   []string{"vehicle_info.type"},
		id:        []string{"carID", "packetCounter"},
		again:     both(hasAll("carID"), is("carState", "update", "lost")),
		pictures:  []embedded{{"plate.jpg", "ImageArray[0].BinaryImage"}, {"vehicle.jpg", "ImageArray[1].BinaryImage"}},
	},
	{ // frigate/tracked_object_update
		name:       "frigate",
		fits:       both(is("type", "lpr"), hasAll("id")),
		plate:      []string{"plate"},
		confidence: []string{"score"},
		at:         []string{"timestamp"},
		camera:     []string{"camera"}, id: []string{"id"},
		again: hasAll("id"), // each better reading of a vehicle that is tracked is an update
	},
	{ // frigate/events, and the web hooks that send them on
		name:       "frigate",
		fits:       both(hasAll("after.camera"), hasAll("type")),
		idle:       frigateUnfinished,
		bare:       hasAll("after"),
		plate:      []string{"after.recognized_license_plate"},
		confidence: []string{"after.recognized_license_plate_score", "after.recognized_license_plate[1]"},
		at:         []string{"after.frame_time", "after.start_time"},
		camera:     []string{"after.camera"},
		id:         []string{"after.id"},
		again:      hasAll("after.id"),
		vehicle:    []string{"after.label"},
	},
	{ // alarm manager's web hook
		name:  "unifi",
		fits:  hasAll("alarm.triggers[].key"),
		only:  unifiPlate,
		reads: "alarm.triggers[]",
		plate: []string{"value", "group.name"},
		at:    []string{"timestamp", "date"}, camera: []string{"device"}, id: []string{"eventId"},
	},
	{
		name: "milesight",
		fits: both(hasAll("plate"), either(hasAll("time_msec"), hasAll("detection_region"),
			hasAll("full_snapshot"))),
		plate:      []string{"plate"},
		none:       []string{"-", "unknown"},
		confidence: []string{"confidence"},
		at:         []string{"time_msec", "time"},
		camera:     []string{"device_id", "mac", "device"},
		region:     []string{"region"},
		direction:  []string{"direction"},
		vehicle:    []string{"vehicle_type"},
		box:        [4]string{"coordinate_x1", "coordinate_y1", "coordinate_x2", "coordinate_y2"},
		pictures: []embedded{{"vehicle.jpg", "full_snapshot"}, {"plate.jpg", "plate_snapshot"},
			{"vehicle-crop.jpg", "vehicle_snapshot"}},
	},
	// Profile M: events as JSON over MQTT, as XML by PullPoint and by notification. Names within Data differ by maker.
	{
		name: "onvif", fits: func(n *node) bool {
			return len(onvifMessages(n)) > 0
		}, idle: onvifIdle, each: onvifMessages,
		bare:       either(hasAll("Data.**.VehicleInfo"), hasAll("Data.**.Object")),
		plate:      []string{"Data.**.PlateNumber", "Data.PlateNumber", "Data.**.Plate", "Data.**.LicensePlate"},
		confidence: []string{"Data.**.PlateNumber.Likelihood", "Data.**.Likelihood", "Data.**.Confidence"},
		at:         []string{"UtcTime"},
		camera: []string{"Source.VideoSourceConfigurationToken", "Source.VideoSource", "Source.VideoSourceToken",
			"Source.VideoAnalyticsConfigurationToken", "Source[].Source",
			"Source.Rule"},
		region:    []string{"Data.**.CountryCode", "Data.**.Country"},
		vehicle:   []string{"Data.**.VehicleInfo.Type", "Data.**.VehicleType", "Data.**.Type"},
		direction: []string{"Data.**.Direction"}, id: []string{"Data.**.ObjectId"},
	},
	{ // Tattile, Vivotek, Vaxtor, Genetec AutoVu and whoever uses plain words: looked for at any depth
		name: "generic", split: genericReads, plate: []string{plateField},
		fits: func(n *node) bool {
			hits, refused := genericHits(n)
			return len(hits)+len(refused) > 0
		},
		confidence: anywhere("plateConfidence", "plate_confidence", "confidenceLevel", "confidence", "score",
			"ocrscore", "likelihood", "reliability"),
		at: anywhere("timestamp", "timeStamp", "dateTime", "datetime", "date_time", "utcTime",
			"timeUtc", "timestampUtc", "dateUtc",
			"captureTime", "capture_time", "eventTime", "event_time",
			"epoch_time", "created", "time", "date"),
		day: anywhere("date", "capture_date", "captureDate"), clock: anywhere("time"),
		camera: anywhere("cameraId", "camera_id", "cameraName", "camera_name", "camera", "deviceId",
			"device_id", "device_sn", "deviceName", "device", "channelName", "sensorId"),
		region: anywhere("region", "plateState", "plate_state", "state", "country", "countryCode",
			"country_code", "plate_country"),
		direction:  anywhere("direction", "travelDirection"),
		vehicle:    anywhere("vehicleType", "vehicle_type", "vehicleClass"),
		id:         anywhere("uuid", "guid", "eventId", "event_id", "readId", "read_id", "id"),
		candidates: []string{"candidates[]"},
	},
}

// anywhere makes paths of names that are looked for at any depth.
func anywhere(names ...string) (out []string) {
	for _, n := range names {
		out = append(out, "**."+n)
	}
	return out
}

// hikvision returns the table of ISAPI's EventNotificationAlert, in XML (root "EventNotificationAlert.") or JSON
// (root "").
func hikvision(root string) vendor {
	return vendor{
		name: "hikvision",
		fits: either(hasAll(root+"ANPR.licensePlate"), // other makes have an element anpr too
			both(hasAll(root+"eventType"), either(hasAll(root+"eventState"), hasAll(root+"ANPR")))),
		idle: func(n *node) bool { // a video loss that is over is ISAPI's heartbeat
			return is(root+"eventType", "heartBeat")(n) || is(root+"eventType", "videoloss")(n) &&
				is(root+"eventState", "inactive")(n)
		},
		plate:      []string{root + "ANPR.licensePlate", root + "ANPR.originalLicensePlate"},
		none:       []string{"unknown", "noplate", "无车牌"},
		confidence: []string{root + "ANPR.confidenceLevel"}, percent: true, at: []string{root + "dateTime"},
		camera:    []string{root + "channelName", root + "deviceID", root + "ipAddress", root + "macAddress"},
		region:    []string{root + "ANPR.region", root + "ANPR.CRIndex"},
		direction: []string{root + "ANPR.direction"},
		vehicle:   []string{root + "ANPR.vehicleType"},
		id:        []string{root + "UUID", root + "uuid"},
	}
}

// dahuaEvent returns the table of Dahua's traffic events, sent by HTTP: a list at reads, or "" for a single event.
func dahuaEvent(reads string) vendor {
	list := reads
	if list != "" {
		list += "."
	}
	return vendor{
		name:  "dahua",
		reads: reads,
		fits:  either(hasAll(list+"Data.TrafficCar"), hasAll(list+"TrafficCar")),
		none:  []string{"unknown"},
		plate: []string{"Data.TrafficCar.PlateNumber", "TrafficCar.PlateNumber", "Data.Object.Text",
			"Object.Text"},
		confidence: []string{"Data.Object.Confidence", "Object.Confidence"}, at: []string{"Data.UTC", "UTC"},
		camera:    []string{"Data.TrafficCar.DeviceAddress", "TrafficCar.DeviceAddress", "Data.Name", "Name"},
		region:    []string{"Data.TrafficCar.Country", "TrafficCar.Country"},
		direction: []string{"Data.TrafficCar.DrivingDirection[0]", "TrafficCar.DrivingDirection[0]"},
		vehicle:   []string{"Data.Vehicle.Category", "Vehicle.Category"}, id: []string{"Data.GroupID", "GroupID"},
	}
}

// frigateUnfinished reports whether an event is of a vehicle that is still tracked and has no plate so far, or of
// something that is no vehicle.
func frigateUnfinished(n *node) bool {
	vehicle := is("after.label", "car", "truck", "bus", "motorcycle", "license_plate")(n)
	return n.at("after.recognized_license_plate").value() == "" && (!vehicle || !is("type", "end")(n))
}

// onvifIdle reports whether a message is only the state of a property at the beginning or the end, without plate.
func onvifIdle(n *node) bool {
	return is("**.PropertyOperation", "Initialized", "Deleted")(n) && n.first([]string{"**.PlateNumber", "**.Plate",
		"**.LicensePlate"}) == ""
}

// onvifMessages returns the messages of an ONVIF payload, each with a time and a source or data: one in JSON,
// several in a PullMessagesResponse.
func onvifMessages(root *node) (out []*node) {
	message := func(n *node) bool { return n.direct("UtcTime") && (n.direct("Data") || n.direct("Source")) }
	if message(root) {
		return onvifObjects(root)
	}
	root.walk(func(n *node) bool {
		if message(n) {
			out = append(out, onvifObjects(n)...)
		}
		return true
	})
	return out
}

// onvifObjects returns the objects with a plate of one message, each as a message of its own; the message itself
// where it has one or none.
func onvifObjects(n *node) (out []*node) {
	var objects []*node
	for _, o := range n.list("Data.**.Object") {
		if o.array {
			objects = append(objects, o.children...)
		} else {
			objects = append(objects, o)
		}
	}
	plates := []string{"**.PlateNumber", "**.Plate", "**.LicensePlate"}
	objects = slices.DeleteFunc(objects, func(o *node) bool {
		return o.first(plates) == "" || o.at("**.Object").first(plates) != "" // an ElementItem Object around an Object
	})
	if len(objects) < 2 {
		return []*node{n}
	}
	for _, o := range objects {
		one := &node{name: n.name, children: []*node{{name: "Data", children: []*node{o}}}}
		for _, c := range n.children {
			if !strings.EqualFold(c.name, "Data") {
				one.children = append(one.children, c)
			}
		}
		out = append(out, one)
	}
	return out
}

// unifiPlate reports whether a trigger of an alarm is a plate: others are motion, rings, persons.
func unifiPlate(n *node) bool {
	return strings.HasPrefix(n.at("key").value(), "license_plate")
}
