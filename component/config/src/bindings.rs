//! The contract's interface `types` for `wasmtime::component::bindgen!`: the macro's option `with`
//! maps `"tollgate:auth/types"` to this module.
//!
//! The interface has no functions, so there is nothing to implement and nothing to link.

use wasmtime::component::{HasData, Linker};

pub use crate::identity::Identity;
pub use crate::token::FailureKind;
pub use crate::token_request::TokenTarget as Target;
pub use crate::{
    Access, Actor, AssertionAudience, Client, ClientAuthentication, ClientKey, ClientKeySource,
    Config, ConfigError, ConfigPart, Cors, ExchangeCache, Grant, Issuer, IssuerFault, KeyLocation,
    KeyPolicy, Metadata, Naming, OauthError, Route, Setting, Settings, Token, TokenCache,
    TypedToken, ValueKind,
};

/// The host's part of this interface, which is empty.
pub trait Host {}

impl<H: ?Sized> Host for H {}

/// Likewise.
pub trait HostWithStore<T> {}

impl<H: ?Sized, T> HostWithStore<T> for H {}

/// Adds nothing.
///
/// # Errors
///
/// Never.
pub fn add_to_linker<T, D>(
    _linker: &mut Linker<T>,
    _host_getter: fn(&mut T) -> D::Data<'_>,
) -> wasmtime::Result<()>
where
    D: HasData,
    T: 'static,
{
    Ok(())
}

/// A type that crosses the boundary in the same way as another type.
#[expect(
    unsafe_code,
    reason = "wasmtime's traits are unsafe to implement; these pass every call on to a type of \
              the same layout, as wasmtime's own do for references and boxes"
)]
mod transparent {
    use std::mem::MaybeUninit;

    use wasmtime::Result;
    use wasmtime::component::__internal::{
        CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
    };
    use wasmtime::component::{ComponentType, Lift, Lower};

    use crate::identity::{Identity, Record};
    use crate::secret::Secret;

    macro_rules! transparent {
        ($name:ty, $inner:ty, $wrap:expr, $expose:expr) => {
            // SAFETY: all methods forward to the inner type.
            unsafe impl ComponentType for $name {
                type Lower = <$inner as ComponentType>::Lower;

                const ABI: CanonicalAbiInfo = <$inner as ComponentType>::ABI;
                const MAY_REQUIRE_REALLOC: bool = <$inner as ComponentType>::MAY_REQUIRE_REALLOC;

                fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
                    <$inner as ComponentType>::typecheck(ty, types)
                }
            }

            // SAFETY: all methods forward to the inner type.
            unsafe impl Lower for $name {
                fn linear_lower_to_flat<U>(
                    &self,
                    cx: &mut LowerContext<'_, U>,
                    ty: InterfaceType,
                    dst: &mut MaybeUninit<Self::Lower>,
                ) -> Result<()> {
                    $expose(self).linear_lower_to_flat(cx, ty, dst)
                }

                fn linear_lower_to_memory<U>(
                    &self,
                    cx: &mut LowerContext<'_, U>,
                    ty: InterfaceType,
                    offset: usize,
                ) -> Result<()> {
                    $expose(self).linear_lower_to_memory(cx, ty, offset)
                }
            }

            // SAFETY: all methods forward to the inner type.
            unsafe impl Lift for $name {
                fn linear_lift_from_flat(
                    cx: &mut LiftContext<'_>,
                    ty: InterfaceType,
                    src: &Self::Lower,
                ) -> Result<Self> {
                    <$inner as Lift>::linear_lift_from_flat(cx, ty, src).map($wrap)
                }

                fn linear_lift_from_memory(
                    cx: &mut LiftContext<'_>,
                    ty: InterfaceType,
                    bytes: &[u8],
                ) -> Result<Self> {
                    <$inner as Lift>::linear_lift_from_memory(cx, ty, bytes).map($wrap)
                }
            }
        };
    }

    transparent!(Secret, String, Secret::new, Secret::expose);
    transparent!(Identity, Record, Identity::from, Identity::record);
}
