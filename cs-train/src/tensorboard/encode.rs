//! Distributions and curves as TensorBoard's messages.

use super::proto::{self, DT_FLOAT};
use crate::metrics::{Histogram, PrCurve, THRESHOLDS};

/// A histogram's buckets from the first to the last that is not empty, after an empty one whose
/// limit is where they begin.
pub(super) fn histogram(of: &Histogram) -> proto::Histogram {
    let Some(filled) = of.filled() else {
        // What no number was added to still needs a bucket, or the dashboard breaks.
        return proto::Histogram {
            bucket_limit: vec![0.0],
            bucket: vec![0.0],
            ..Default::default()
        };
    };
    let counts = filled.counts.iter().map(|&count| count as f64);
    proto::Histogram {
        min: of.min,
        max: of.max,
        num: of.count() as f64,
        sum: of.sum,
        sum_squares: of.sum_squares,
        bucket_limit: std::iter::once(filled.lower).chain(filled.upper).collect(),
        bucket: std::iter::once(0.0).chain(counts).collect(),
    }
}

/// The content of the plugin `pr_curves`.
pub(super) fn pr_curve_data() -> proto::PrCurveData {
    proto::PrCurveData {
        num_thresholds: THRESHOLDS as u32,
    }
}

/// A curve's six rows of figures, f32 `[6, thresholds]`.
pub(super) fn pr_curve(of: &PrCurve) -> proto::Tensor {
    let rows = of.rows();
    proto::Tensor {
        dtype: DT_FLOAT,
        shape: Some(proto::Shape {
            dim: [6, THRESHOLDS as i64]
                .map(|size| proto::Dim { size })
                .to_vec(),
        }),
        floats: rows.iter().flatten().map(|&figure| figure as f32).collect(),
        strings: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_nothing_have_a_bucket() {
        let wide: Histogram = [f64::MIN, 0.0, f64::MAX, f64::INFINITY]
            .into_iter()
            .collect();
        let proto = histogram(&wide);
        assert_eq!(proto.num, 3.0);
        assert_eq!(proto.bucket.iter().sum::<f64>(), 3.0);
        assert_eq!(proto.bucket_limit.len(), proto.bucket.len());
        assert!(proto.bucket_limit.is_sorted());
        assert_eq!(wide.non_finite(), 1);

        let empty = histogram(&Histogram::default());
        assert_eq!((empty.num, empty.min, empty.max), (0.0, 0.0, 0.0));
        assert_eq!((empty.bucket.len(), empty.bucket_limit.len()), (1, 1));
    }
}
