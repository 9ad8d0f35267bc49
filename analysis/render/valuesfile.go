package render

import (
	"strconv"

	"helm.sh/helm/v3/pkg/chart"
	"k8s.io/apimachinery/pkg/runtime"
)

// valuesFiles keeps what values.yaml files hold. A chart is read anew for every render, since
// rendering changes what Helm made of it, and most of the time that takes is that of its values.
type valuesFiles struct{ kept kept[map[string]any] }

// maxValuesFiles bounds what is kept, in bytes.
const maxValuesFiles = 8 << 20

// read returns what a values.yaml holds, as Helm would read it. It is the caller's.
func (v *valuesFiles) read(data []byte) (map[string]any, error) {
	if values, ok := v.kept.get(data); ok {
		return runtime.DeepCopyJSON(values), nil
	}
	values, err := decodeValues(data)
	if err != nil {
		return nil, err
	}
	if cost := weight(values); cost <= maxValuesFiles {
		v.kept.put(data, runtime.DeepCopyJSON(values), cost, maxValuesFiles)
	}
	return values, nil
}

// weight is about how many bytes such values take. A map has room for some keys from its first on.
func weight(v any) uint64 {
	const perKey, perItem, room = 80, 16, 4
	switch v := v.(type) {
	case string:
		return uint64(len(v)) + perItem
	case map[string]any:
		n := uint64(perKey)
		if len(v) > 0 {
			n += perKey * uint64(max(len(v), room))
		}
		for key, e := range v {
			n += uint64(len(key)) + weight(e)
		}
		return n
	case []any:
		n := uint64(2 * perItem)
		for _, e := range v {
			n += perItem + weight(e)
		}
		return n
	}
	return perItem
}

// places are the values that stand aside while Helm loads a chart and its subcharts.
type places []map[string]any

const placeKey = "place"

// place returns what Helm is given for a values.yaml to read: where its values stand. A file that cannot
// be read is given as it is, so that Helm says why.
func (p *places) place(known *valuesFiles, data []byte) []byte {
	values, err := known.read(data)
	if err != nil {
		return data
	}
	*p = append(*p, values)
	return strconv.AppendInt([]byte(placeKey+": "), int64(len(*p)-1), 10)
}

// fill gives the chart and its subcharts their values: all that Helm could read are places.
func (p places) fill(ch *chart.Chart) {
	if n, ok := ch.Values[placeKey].(float64); ok {
		ch.Values = p[int(n)]
	}
	for _, d := range ch.Dependencies() {
		p.fill(d)
	}
}
