//! Latencies in buckets that are 3 % wide, whatever their size: memory does not grow with what is measured.

use crate::json::Json;

/// Each power of two has 2^5 buckets.
const STEPS: u32 = 5;

/// Counts of nanoseconds.
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    longest: u64,
    sum: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; 64 << STEPS], count: 0, longest: 0, sum: 0 }
    }
}

impl Histogram {
    /// Counts one.
    #[inline]
    pub fn add(&mut self, nanos: u64) {
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
        self.sum += u128::from(nanos);
        self.longest = self.longest.max(nanos);
    }

    /// Milliseconds that the share `quantile` (0 to 1) of all counted does not exceed; 0 when nothing was.
    pub fn milliseconds(&self, quantile: f64) -> f64 {
        let wanted = (self.count as f64 * quantile).ceil().max(1.0) as u64;
        let mut counted = 0;
        for (index, &in_bucket) in self.buckets.iter().enumerate() {
            counted += in_bucket;
            if counted >= wanted {
                return end_of(index).min(self.longest) as f64 / 1e6;
            }
        }
        self.longest as f64 / 1e6
    }

    /// `{"p50": .., "p90": .., "p99": .., "max": .., "mean": .., "count": ..}`, in milliseconds.
    pub fn json(&self) -> Json {
        let mean = if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 / 1e6 };
        Json::default()
            .number("p50", self.milliseconds(0.5))
            .number("p90", self.milliseconds(0.9))
            .number("p99", self.milliseconds(0.99))
            .number("max", self.longest as f64 / 1e6)
            .number("mean", mean)
            .number("count", self.count as f64)
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < 1 << STEPS {
        return nanos as usize;
    }
    let exponent = 63 - nanos.leading_zeros();
    let step = (nanos >> (exponent - STEPS)) as usize & ((1 << STEPS) - 1);
    (((exponent - STEPS + 1) as usize) << STEPS) + step
}

fn end_of(bucket: usize) -> u64 {
    if bucket < 1 << STEPS {
        return bucket as u64;
    }
    let exponent = (bucket >> STEPS) as u32 + STEPS - 1;
    let step = (bucket & ((1 << STEPS) - 1)) as u64;
    ((1 << STEPS) + step + 1) << (exponent - STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_the_width_of_a_bucket() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|milliseconds| histogram.add(milliseconds * 1_000_000));
        for (quantile, exact) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let measured = histogram.milliseconds(quantile);
            assert!((exact..=exact * 1.033).contains(&measured), "{quantile}: {measured}");
        }
        assert_eq!(Histogram::default().milliseconds(0.99), 0.0);
    }
}
