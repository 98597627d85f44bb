//! The first administrator: made by whoever operates the server, not by a request (CONTRACT 1).

use super::{Register, User};
use crate::{
    auth::PasswordHash,
    delivery::outbox::Tx,
    error::Result,
    identity::{Role, Roles},
    records::Edit,
};

/// Makes an administrator; one who is known by this e-mail address becomes one, with this password.
/// Answers whether the user is new.
///
/// # Errors
/// 503 when the database is away.
pub async fn appoint(tx: &mut Tx, register: &Register, password_hash: PasswordHash) -> Result<bool> {
    if let Some(user) = User::by_email(&mut tx.conn, &register.email).await? {
        let mut edit = Edit { by: user.himself(), tx };
        let admin = edit.store(&user, user.clone().as_admin(password_hash)).await?;
        edit.tx.effect(admin.standing());
        return Ok(false);
    }
    let roles: Roles = [Role::User, Role::Admin].into_iter().collect();
    let user = User::new(register, password_hash, roles, tx.now());
    Edit { by: user.himself(), tx }.insert(user).await?;
    Ok(true)
}
